import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptSession } from '../../../test/fixture/session.ts'
import { tempFolder } from '../../../test/fixture/state.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { run as adopt } from './adopt.ts'
import { run as doctor } from './doctor.ts'
import { run as history } from './history.ts'

/** A system of two secrets that no server knows, in one env file, and a check that is green while a file is there. */
function system(): { readonly root: string; readonly manifest: string; readonly env: NodeJS.ProcessEnv; readonly value: string; readonly envFile: string } {
  const root = tempFolder()
  const [manifest, envFile, value] = [join(root, 'keyturn.yaml'), join(root, '.env'), generate(ALNUM, 32)]
  writeFileSync(manifest, `version: 1
system: atlas
preflight: [{ use: command, run: [test, -e, well], within: 200ms }]
secrets:
  session:
    issuer: { use: random, format: hex, name: session }
    stores:
      - { use: dotenv, file: .env, bind: { SESSION_KEY: "{value}" } }
      - { use: dotenv, file: .env, bind: { SESSION_URL: "https://:{value}@127.0.0.1/" } }
  later:
    lifecycle: future
    issuer: { use: random, format: hex, name: later }
    stores: [{ use: dotenv, file: none.env, bind: { LATER: "{value}" } }]
`)
  writeFileSync(envFile, `SESSION_KEY=${value}\nSESSION_URL=https://:${value}@127.0.0.1/\n`, { mode: 0o600 })
  writeFileSync(join(root, 'well'), '')
  return { root, manifest, envFile, value, env: { PATH: process.env['PATH'], KEYTURN_IDENTITY: join(root, 'identity') } }
}

describe('keyturn doctor', () => {
  it('tells people what it saw, group by group, and exits with 0 while nothing would be refused', async () => {
    const { root, manifest, env, value } = system()
    const before = readdirSync(root)
    const told = keptSession(env)
    expect(await doctor(told, [], { manifest })).toBe(0)
    expect(told.out()).toMatch(/^In common\n {2}✔ version +keyturn: \d+\.\d+\.\d+\S* on Node \d+/m)
    expect(told.out()).toMatch(/^session\n {2}✔ store +dotenv .*\.env: can be read and written$/m)
    expect(told.out()).toMatch(/^ {2}! consumer +none: no consumer is named/m)
    expect(told.out()).toMatch(/^0 problems, 2 warnings, \d+ ok\.\nNothing was changed\.$/m)
    expect(told.out()).not.toMatch(/later/)
    expect(told.out()).not.toContain(value)
    expect(readdirSync(root)).toEqual(before)
    expect(existsSync(join(root, '.keyturn'))).toBe(false)
  })

  it('exits with 3 for what would be refused, each with its code and what to do; with --json as one document', async () => {
    const { root, manifest, env, envFile, value } = system()
    const other = generate(ALNUM, 32)
    writeFileSync(envFile, readFileSync(envFile, 'utf8').replace(`SESSION_KEY=${value}`, `SESSION_KEY=${other}`))
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('-e, well', '-e, unwell'))
    chmodSync(envFile, 0o644)
    const told = keptSession(env)
    expect(await doctor(told, ['session'], { manifest })).toBe(3)
    expect(told.out()).toMatch(/✘ check +command test -e unwell: PRECONDITION_FAILED .*: fail, exit 1.*\n {14}Put the system right first/)
    expect(told.out()).toMatch(/✘ store +all of them together: STORE_DRIFT .*SESSION_URL in dotenv/)
    expect(told.out()).toMatch(/! store +dotenv .*has mode 0644/)
    expect(told.out()).toMatch(/2 problems, \d+ warnings, \d+ ok\. Mend the problems before the next rotation\./)
    const json = keptSession(env)
    expect(await doctor(json, [], { manifest, json: true })).toBe(3)
    expect(json.json()).toMatchObject({ problems: 2, findings: expect.arrayContaining([
      { area: 'version', subject: 'keyturn', verdict: 'ok', says: expect.any(String) },
      { area: 'store', secret: 'session', subject: 'all of them together', verdict: 'problem', code: 'STORE_DRIFT', says: expect.any(String), hint: expect.any(String) },
    ]) })
    for (const secret of [value, other]) expect(told.out() + json.out()).not.toContain(secret)
    expect(readdirSync(root)).not.toContain('.keyturn')
  })

  it('knows no other secret', async () => {
    const { manifest, env } = system()
    await expect(doctor(keptSession(env), ['sesion'], { manifest })).rejects.toMatchObject({ code: 'SECRET_UNKNOWN', hint: expect.stringContaining('session') })
  })
})

describe('keyturn adopt', () => {
  it('makes state and identity when there are none, tells who accepts the value, and stands in the history; no value is printed', async () => {
    const { root, manifest, env, value } = system()
    const first = keptSession(env)
    expect(await adopt(first, ['session'], { manifest, reason: 'set by hand' })).toBe(0)
    expect(first.err()).toMatch(/A new identity was made/)
    expect(first.out()).toMatch(/^Adopted: session kf:[0-9a-f]{32} is the current value of session \(note 1\)\.\n {2}no server and no consumer could be asked/)
    const again = keptSession(env)
    expect(await adopt(again, ['session'], { manifest, json: true })).toBe(0)
    expect(again.json()).toEqual({ secret: 'session', credential: 'session', fingerprint: expect.stringMatching(/^kf:/), adopted: false, evidence: { proof: 'none' } })
    const [past, document] = [keptSession(env), keptSession(env)]
    await history(past, [], { manifest })
    expect(past.out()).toMatch(/^\S+Z {2}session {2}secret-adopted session kf:[0-9a-f]{32} by \S+: set by hand$/m)
    await history(document, ['session'], { manifest, json: true })
    expect(document.json()).toMatchObject({ rotations: [], notes: [{ note: 1, type: 'secret-adopted', secret: 'session', reason: 'set by hand' }] })
    const none = keptSession(env)
    await history(none, ['later'], { manifest, json: true })
    expect(none.json()).toEqual({ rotations: [] })
    for (const session of [first, again, past, document]) {
      expect(session.leaks()).toBe(false)
      expect(session.out() + session.err()).not.toContain(value)
    }
    const files = readdirSync(join(root, '.keyturn'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.filter((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1').includes(value))).toEqual([])
  })

  it('refuses stores that differ, and writes nothing', async () => {
    const { manifest, env, envFile, value } = system()
    writeFileSync(envFile, readFileSync(envFile, 'utf8').replace(`SESSION_KEY=${value}`, `SESSION_KEY=${generate(ALNUM, 32)}`))
    await expect(adopt(keptSession(env), ['session'], { manifest })).rejects.toMatchObject({ code: 'STORE_DRIFT' })
    const past = keptSession(env)
    await history(past, [], { manifest, json: true })
    expect(past.json()).toEqual({ rotations: [] })
  })
})
