import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isComposeFile, projectsOf, scanCompose } from './compose.ts'
import { createTracer } from './trace.ts'

const scan = (text: string, file = 'deploy/compose.yaml') => scanCompose(file, text, createTracer(randomBytes(32)))

describe('a compose file', () => {
  it.each([['compose.yaml', true], ['docker-compose.yml', true], ['a/docker-compose.prod.yaml', true], ['compose-dev.yml', true], ['composer.yaml', false], ['decompose.yaml', false]])('%s by its name: %s', (name, is) => {
    expect(isComposeFile(name)).toBe(is)
  })

  it('says which env files a service reads, in each form, from its own folder', () => {
    const { services, envFiles, unread } = scan(`
name: shop
services:
  a: { env_file: .env }
  b: { env_file: [../b.env, { path: ./c.env, required: false }] }
  c: { env_file: "\${WHERE}/x.env" }
`)
    expect(services?.map(({ name, envFiles: files }) => [name, files])).toEqual([['a', ['deploy/.env']], ['b', ['b.env', 'deploy/c.env']], ['c', []]])
    expect(envFiles).toEqual([{ file: 'deploy/.env', line: 4 }, { file: 'b.env', line: 5 }, { file: 'deploy/c.env', line: 5 }])
    expect(unread).toEqual([{ file: 'deploy/compose.yaml', line: 6, why: 'the env file of c is named by a variable' }])
  })

  it('says which variables a service takes, wherever they stand, and which are passed on', () => {
    const { services } = scan(`
services:
  cache: { image: "redis:\${TAG:-8}", command: [redis-server, --requirepass, $REDIS_PASSWORD], environment: [PASSED, "A=\${B}", "C=$$NOT"] }
  api:
    environment: { D: null, E: "\${F:?}" }
    secrets: [one, { source: two }]
secrets:
  one: { environment: ONE }
  two: { environment: TWO }
`)
    expect(services?.map(({ name, variables, server }) => [name, [...variables].sort(), server])).toEqual([
      ['cache', ['B', 'PASSED', 'REDIS_PASSWORD', 'TAG'], 'Redis'],
      ['api', ['D', 'F', 'ONE', 'TWO'], undefined],
    ])
  })

  it('has values in the clear and fallbacks by their places, and logins that it puts together', () => {
    const { sightings, logins } = scan(`
services:
  api:
    environment:
      API_TOKEN: ${randomBytes(16).toString('hex')}
      JWT_SECRET: \${JWT_SECRET:-${randomBytes(16).toString('hex')}}
      DATABASE_URL: postgres://\${DB_USER}:\${DB_PASSWORD}@db/shop
`)
    expect(sightings?.map(({ key, seen, holder, trace }) => [key, seen.line, holder, trace?.shape.is])).toEqual([
      ['API_TOKEN', 5, { is: 'compose', service: 'api' }, 'hex'],
      ['JWT_SECRET', 6, { is: 'compose', service: 'api', fallback: true }, 'hex'],
      ['DATABASE_URL', 7, { is: 'compose', service: 'api' }, 'reference'],
    ])
    expect(logins).toEqual([{ server: 'PostgreSQL', password: 'DB_PASSWORD', user: { variable: 'DB_USER' }, seen: { file: 'deploy/compose.yaml', line: 7 }, envFile: 'deploy/.env' }])
  })

  it('names the files of secrets, follows anchors and merges, and says what it does not follow', () => {
    const page = scan(`
include: [other.yaml]
x-base: &base { env_file: .env }
services:
  api: { <<: *base }
  job: { extends: { file: common.yaml, service: job } }
secrets:
  db: { file: ./db.txt }
  gone: { external: true }
`)
    expect(page.services?.map(({ envFiles }) => envFiles)).toEqual([['deploy/.env'], []])
    expect(page.secretFiles).toEqual([{ key: 'db', seen: { file: 'deploy/compose.yaml', line: 8 }, file: 'deploy/db.txt' }])
    expect(page.unread?.map(({ line, why }) => [line, why])).toEqual([
      [2, 'what it includes is read only from files with the name of a compose file'],
      [6, 'what job takes over from another file'],
    ])
  })

  it('that is no YAML is told by its place, without its text', () => {
    const value = randomBytes(16).toString('hex')
    const page = scan(`services:\n  a: {\n  b: "${value}\n`)
    expect(page.unread).toMatchObject([{ file: 'deploy/compose.yaml', why: 'no YAML from here on' }])
    expect(JSON.stringify(page)).not.toContain(value)
    expect(scan('').services).toEqual([])
    expect(scan('services: [1, null, {}]\n').services).toEqual([])
  })
})

describe('the projects of compose files', () => {
  it('are what compose takes by itself, or the only file there is', () => {
    expect(projectsOf(['docker-compose.yml', 'docker-compose.override.yml', 'docker-compose.prod.yml'])).toEqual([
      { folder: '.', files: ['docker-compose.yml', 'docker-compose.override.yml'], named: false },
    ])
    expect(projectsOf(['a/compose.prod.yaml'])).toEqual([{ folder: 'a', files: ['a/compose.prod.yaml'], named: true }])
    expect(projectsOf(['b/compose.prod.yaml', 'b/compose.dev.yaml'])).toEqual([])
    expect(projectsOf(['compose.yaml', 'docker-compose.yml'])).toEqual([{ folder: '.', files: ['compose.yaml'], named: false }])
  })
})
