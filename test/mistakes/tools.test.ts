import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expectRun, useTheatre } from '../worlds/theatre.ts'
import type { World } from '../worlds/world.ts'

// What tools do otherwise than the runbooks think, with the shipped command line and real processes.

const theatre = useTheatre()

/**
 * A container as docker has it: its environment is that of its creation, `restart` starts it with that one again, and only `recreate`
 * reads the env file anew.
 */
async function withContainer(how: 'restart' | 'recreate', test: (world: World) => Promise<void>): Promise<void> {
  const world = await theatre.open({
    manifest: (secret, { run }) => {
      secret.consumers = [{ wave: [{ use: 'process', name: 'api', instances: [{ name: 'api', pidFile: join(run, 'api.pid') }], reload: { restart: [join(run, how)] }, readyWithin: '2s' }] }]
      secret['ready'] = '2s'
    },
  })
  const script = (name: string, text: string): void => writeFileSync(join(world.run, name), `#!/bin/sh\ncd ${world.run}\n${text}\n`, { mode: 0o700 })
  const start = '[ ! -f api.pid ] || kill "$(cat api.pid)"; env -i "$(cat created)" sleep 600 < /dev/null > /dev/null 2>&1 & echo $! > api.new; mv api.new api.pid'
  const create = `grep '^APP_DATABASE_URL=' '${world.stage.envFile}' > created; chmod 600 created`
  script('restart', start)
  script('recreate', `${create}\n${start}`)
  world.allow(join(world.run, 'created'))
  writeFileSync(join(world.run, 'created'), `APP_DATABASE_URL=${await world.stage.dsn()}`, { mode: 0o600 })
  execFileSync(join(world.run, 'restart'))
  try {
    await test(world)
  } finally {
    process.kill(Number(readFileSync(join(world.run, 'api.pid'), 'utf8')))
  }
}

describe('a container that is restarted', () => {
  it('keeps the environment that it was created with, and every later check passes with the old value: keyturn looks into it, and ends nothing (C-06)', () => withContainer('restart', async (world) => {
    const old = await world.stage.dsn()
    const ran = await world.keyturn(['rotate', 'database', '--wait'])
    expect([5, 6], ran.said).toContain(ran.code)
    expect(ran.said).toMatch(/api holds the old value/)
    expect(await world.login(old)).toBe('accepted')
  }))

  it('is recreated instead, and holds the new one (C-06, C-07)', () => withContainer('recreate', async (world) => {
    const old = await world.stage.dsn()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
    expect(await world.login(old)).toMatch(/^28/)
  }))
})

describe('a check whose own token the rotation replaces', () => {
  it('is asked with the token of that moment: one that was read at the start would fail for the wrong reason (C-35)', async () => {
    let valid = 'token-of-before'
    const shown: string[] = []
    const server = createServer((request, response) => {
      const token = request.headers['authorization']?.replace('Bearer ', '') ?? ''
      shown.push(token)
      response.writeHead(token === valid ? 200 : 401).end()
    })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    onTestFinished(() => { server.close() })
    const world = await theatre.open({
      manifest: (secret, { run }) => {
        secret.consumers = [{ wave: [{ use: 'command', run: [join(run, 'deploy')], services: ['api'] }] }]
        secret.checks = [{ use: 'http', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/me`, headers: { authorization: `Bearer \${file:${join(run, 'token')}}` }, within: '5s' }]
      },
    })
    writeFileSync(join(world.run, 'token'), valid, { mode: 0o600 })
    writeFileSync(join(world.run, 'deploy'), `#!/bin/sh\nprintf token-of-after > '${join(world.run, 'token')}'\n`, { mode: 0o700 })
    const running = world.start(['rotate', 'database'], { rehearse: 'stop:reload:0.0/after-effect' })
    await running.stopped()
    // From the deployment on the server knows the new one only.
    valid = 'token-of-after'
    running.send('SIGCONT')
    const ended = await running.end
    expect(ended.said).not.toMatch(/401/)
    expect(shown.at(0)).toBe('token-of-before')
    expect(shown.at(-1)).toBe('token-of-after')
  })
})
