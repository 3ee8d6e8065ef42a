import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { run as runbook } from '../../src/cli/commands/runbook.ts'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import { freePort } from '../../src/testing/port.ts'
import { until } from '../../demo/until.ts'
import { blocksOf, openPerson, type Person } from '../fixture/follow.ts'
import { keptSession } from '../fixture/session.ts'
import { tempFolder } from '../fixture/state.ts'

// A person with a text, a shell, and two processes that were started with a key.

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

interface Platform {
  readonly text: string
  readonly person: Person
  readonly old: string
  env(): NodeJS.Dict<string>
  /** What each instance says to a token: its status. */
  ask(token: string): Promise<readonly number[]>
  token(): Promise<string>
}

async function platform(strategy: 'dual-key' | 'in-place'): Promise<Platform> {
  const root = tempFolder()
  const [old, ports] = [generate(ALNUM, 43), [await freePort(), await freePort()]]
  writeFileSync(join(root, '.env'), `# the service\nLOG=info\nJWT_SECRET=${old}\n`, { mode: 0o600 })
  mkdirSync(join(root, 'run'))
  writeFileSync(join(root, 'restart'), `#!/bin/bash
set -e; cd '${root}'; port=\${1#api-}; pid=run/$1.pid
if [ -f "$pid" ]; then kill "$(cat "$pid")"; while kill -0 "$(cat "$pid")" 2> /dev/null; do sleep 0.05; done; fi
env -i $(grep ^JWT_ .env) '${process.execPath}' '${fileURLToPath(new URL('service.ts', import.meta.url))}' "$port" < /dev/null > /dev/null 2>&1 &
echo $! > "$pid"
`, { mode: 0o700 })
  const names = ports.map((port) => `api-${port}`)
  const tokens = strategy === 'dual-key' ? '    tokens: { life: 1s, cache: 1s }\n    grace: 1s\n' : ''
  const previous = strategy === 'dual-key' ? ', JWT_SECRET_PREVIOUS: { previous: "{value}" }' : ''
  writeFileSync(join(root, 'keyturn.yaml'), `version: 1
system: shop
secrets:
  jwt:
    issuer: { use: random, name: jwt, format: base64, bytes: 64, strategy: ${strategy} }
${tokens}    stores: [{ use: dotenv, file: .env, bind: { JWT_SECRET: "{value}"${previous} } }]
    consumers:
      - use: process
        name: api
        instances: [${names.map((name) => `{ name: ${name}, pidFile: run/${name}.pid, ready: "http://127.0.0.1:${name.slice(4)}/ready" }`).join(', ')}]
        reload: { restart: [./restart, "{name}"] }
    checks: [{ use: http, url: "http://127.0.0.1:${ports[0]}/ready", expect: { json: { ready: true } } }]
`)
  for (const name of names) {
    execFileSync(join(root, 'restart'), [name])
    undo.push(() => process.kill(Number(readFileSync(join(root, 'run', `${name}.pid`), 'utf8'))))
  }
  for (const port of ports) await until('it answers', 20_000, () => fetch(`http://127.0.0.1:${port}/ready`).then(() => true, () => undefined))
  const session = keptSession({})
  expect(await runbook(session, ['jwt'], { manifest: join(root, 'keyturn.yaml') })).toBe(0)
  const person = openPerson(tempFolder())
  undo.push(() => person.close())
  return {
    text: session.out(), person, old,
    env: () => parseEnv(readFileSync(join(root, '.env'), 'utf8')),
    ask: (token) => Promise.all(ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: token } })).status)),
    token: async () => (await fetch(`http://127.0.0.1:${ports[1]}/token`)).text(),
  }
}

describe('who has only the text of `keyturn runbook`', () => {
  it('rotates a key by three publishes: no token is refused between them, and the old key is dead in the end (S1-70, C-01, C-09, G-05)', async () => {
    const { text, person, old, env, ask, token } = await platform('dual-key')
    const blocks = [/^## Before you begin/, /^## The way forward/].flatMap((heading) => blocksOf(text, heading))
    const states: string[] = []
    let first: string | undefined
    for (const block of blocks) {
      await person.type(block)
      const seen = env()
      const state = [seen['JWT_SECRET'] === old ? 'old' : 'new', seen['JWT_SECRET_PREVIOUS'] === undefined ? '' : seen['JWT_SECRET_PREVIOUS'] === old ? 'old' : 'new'].join('+')
      if (states.at(-1) !== state) states.push(state)
      // A token of the old key, handed out before anything was changed, until it is forgotten.
      if (/Reload/.test(block.step)) first ??= await token()
      if (first !== undefined && state.includes('old')) expect(await ask(first), block.step).toEqual([200, 200])
    }
    expect(states).toEqual(['old+', 'old+new', 'new+old', 'new+'])
    expect(await ask(first ?? '')).toEqual([401, 401])
    expect(await ask(await token())).toEqual([200, 200])
    const value = env()['JWT_SECRET'] ?? ''
    expect(Buffer.from(value, 'base64')).toHaveLength(64)
    expect(env()['LOG']).toBe('info')
    for (const each of [old, value]) expect(text + person.commandLines()).not.toContain(each)
  })

  it('rotates a key in place, and goes back by the same text (S1-59)', async () => {
    const { text, person, old, env, ask, token } = await platform('in-place')
    const before = await token()
    for (const heading of [/^## Before you begin/, /^## The way forward/]) for (const block of blocksOf(text, heading)) await person.type(block)
    expect(env()['JWT_SECRET']).not.toBe(old)
    expect(await ask(before)).toEqual([401, 401])
    for (const block of blocksOf(text, /^## The way back/)) await person.type(block)
    expect(env()['JWT_SECRET']).toBe(old)
    expect(await ask(before)).toEqual([200, 200])
  })

  it('comes back to where it was when the shell was closed: what stands there is the new one, the old one is asked for (S1-70)', async () => {
    const { text, person, old, env, token } = await platform('in-place')
    const before = await token()
    for (const heading of [/^## Before you begin/, /^## The way forward/]) for (const block of blocksOf(text, heading)) await person.type(block)
    const fresh = env()['JWT_SECRET']
    await person.close()
    undo.pop()
    const again = openPerson(tempFolder())
    undo.push(() => again.close())
    for (const block of blocksOf(text, /^## Before you begin/).filter(({ step }) => !/Prepare the new one/.test(step))) await again.type(block)
    for (const block of blocksOf(text, /^## When the shell was closed/)) await again.type(block, [old])
    const told = await again.type({ step: 'what it holds', run: `[ "$NEW_VALUE" = '${fresh}' ] && [ "$OLD_VALUE" = '${old}' ] && echo both`, prints: 'both' })
    expect(told.trim()).toBe('both')
    expect(before).not.toBe(await token())
  })
})
