import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'
import { describeEnvFile, isEnvFile, scanEnvFile } from './env-files.ts'
import { createTracer } from './trace.ts'

const trace = createTracer(randomBytes(32))
const scan = (text: string) => scanEnvFile('.env', text, trace)
const keys = (text: string) => scan(text).sightings.map(({ key, seen }) => [key, seen.line])

describe('an env file', () => {
  it.each([['.env', true], ['api/.env.production', true], ['.env-staging', true], ['api.env', true], ['.env.example', true], ['env.ts', false], ['.env.ts', false], ['.environment', false], ['environment', false]])('%s by its name: %s', (name, is) => {
    expect(isEnvFile(name)).toBe(is)
  })

  it.each([
    ['.env', undefined], ['.env.local', undefined], ['.env.production', 'production'], ['.env.prod.local', 'production'], ['staging.env', 'staging'], ['.env.test', 'development'], ['.env-dev', 'development'], ['producer.env', undefined],
  ])('%s is of %s', (name, environment) => {
    expect(describeEnvFile(name).environment).toBe(environment)
  })

  it.each([['.env.example', true], ['.env.example.local', true], ['sample.env', true], ['.env.dist', true], ['.env', false]])('%s is an example: %s', (name, example) => {
    expect(describeEnvFile(name).example).toBe(example)
  })
})

describe('the keys of an env file', () => {
  it('have the lines on which they stand, in every way of writing them', () => {
    expect(keys('# one\nA=1\n\nexport B = two\n  C: three\nD="x\ny"\nE=\'#\'\n')).toEqual([['A', 2], ['B', 4], ['C', 5], ['D', 6], ['E', 8]])
    expect(keys('\uFEFFA=1\r\nB=2\r\n')).toEqual([['A', 1], ['B', 2]])
  })

  it('count where they stand last', () => {
    expect(keys('A=1\nB=2\nA=3')).toEqual([['A', 3], ['B', 2]])
  })

  it('have the value without quotes and comment', () => {
    const value = randomBytes(16).toString('hex')
    const { id } = trace('A', value).mark
    for (const written of [value, `"${value}"`, `'${value}' # note`, `${value} # note`, `\`${value}\``, ` ${value}\t`]) {
      expect(scan(`A=${written}\nB=1`).sightings[0]?.trace?.mark.id).toBe(id)
    }
    expect(scan(`A=${value}#no-comment`).sightings[0]?.trace?.mark.id).not.toBe(id)
  })

  it('of a login that is put together are known by their names', () => {
    expect(scan('U=shop\nP=x\nDATABASE_URL=postgres://${U}:${P}@db/shop').logins).toEqual([
      { server: 'PostgreSQL', password: 'P', user: { variable: 'U' }, seen: { file: '.env', line: 3 }, envFile: '.env' },
    ])
    expect(scan('URL=redis://:$P@cache').logins).toMatchObject([{ server: 'Redis', password: 'P' }])
    expect(scan('URL=gopher://a:$P@b').logins).toEqual([])
  })
})

describe('what is no line', () => {
  // A letter first, as a key begins with one.
  const base64 = `aB1${randomBytes(237).toString('base64').replaceAll(/[+/]/g, 'x').replace(/=*$/, '')}`
  const pem = ['-----BEGIN PRIVATE KEY-----', ...(base64.match(/.{1,64}/g) ?? []).map((line) => line.replace(/..$/, '==')), '-----END PRIVATE KEY-----']

  it('is told by its place, and never by its text (S0-02)', () => {
    const found = scan(`A=1\n${pem.join('\n')}\nB=2\nKEY=${pem.join('\n')}\nC=3\n${base64.slice(0, 40)}=\na${randomBytes(20).toString('hex')}=`)
    expect(found.sightings.map(({ key }) => key)).toEqual(['A', 'B', 'KEY', 'C'])
    expect(found.unread.map(({ line }) => line)).toEqual([2, 18, 19])
    const redactor = new Redactor()
    for (const line of pem.slice(1, -1)) redactor.conceal(new Secret(line.slice(0, -2)))
    redactor.conceal(new Secret(base64.slice(0, 40)))
    expect(redactor.holds(JSON.stringify(found))).toBe(false)
  })

  it('is no line with a quote that never ends: it is a value of one line', () => {
    expect(keys('A="open\nB=2')).toEqual([['A', 1], ['B', 2]])
  })
})
