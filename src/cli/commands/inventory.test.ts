import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptSession } from '../../../test/fixture/session.ts'
import { freshState, openOne, tempFolder } from '../../../test/fixture/state.ts'
import { Secret } from '../../kit/index.ts'
import { Redactor } from '../../redact/redact.ts'
import { run } from './inventory.ts'

const DAY = 86_400_000
const random = (): string => randomBytes(32).toString('hex')

const MANIFEST = `version: 1
system: atlas
environment: staging
state: state
defaults: { owner: platform, every: 90d }
secrets:
  session:
    issuer: { use: random, format: hex, name: session }
    impact: everyone signs in again
    on: [compromise]
    stores: [{ use: dotenv, file: .env, bind: { SESSION_SECRET: "{value}" } }]
    consumers:
      - { use: command, run: [make, web], services: [web], attest: { use: http, challenge: "http://127.0.0.1:1/{name}" } }
      - { use: command, run: [make, job], services: [job] }
  database:
    owner: data
    every: never
    lifecycle: legacy
    issuer: { use: postgres, admin: "\${env:PG_ADMIN_URL}", role: shop }
    stores:
      - { use: dotenv, file: ./.env, bind: { DATABASE_URL: { url: { user, password } }, DB_PASSWORD: "{password}" } }
      - { use: dotenv, file: gone.env, bind: { DATABASE_URL: { url: { user, password } } } }
`

/** A folder with the manifest and an env file; and what may never be printed. */
function makeFolder(): { readonly root: string; readonly manifest: string; readonly values: readonly string[] } {
  const root = tempFolder()
  const values = [random(), random(), random()]
  writeFileSync(join(root, '.env'), `# shop\nSESSION_SECRET=${values[0]}\nDATABASE_URL=postgres://shop:${values[1]}@db/shop\nPORT=80\nSTRIPE_KEY=${values[2]}\n`)
  const manifest = join(root, 'keyturn.yaml')
  writeFileSync(manifest, MANIFEST)
  return { root, manifest, values }
}

describe('keyturn inventory', () => {
  it('lists each secret with owner, places, readers, and when it was rotated, without the identity (S1-17)', async () => {
    const { root, manifest } = makeFolder()
    const state = await freshState(root)
    const now = Date.now()
    const ago = (days: number): string => `${new Date(now - days * DAY).toISOString().slice(0, 19)}Z`
    for (const [id, days, result] of [['first', 200, 'done'], ['second', 100, 'done'], ['third', 1, null]] as const) {
      await openOne(state, id, { secret: 'session', opened: { type: 'noted', at: now - days * DAY, body: {} } })
      await state.db.updateTable('rotation').set({ result, due_at: now + DAY }).where('id', '=', id).execute()
    }
    rmSync(state.identityFile)
    const told = keptSession()
    expect(await run(told, [], { manifest, json: true })).toBe(0)
    const env = `dotenv ${join(root, '.env')}`
    expect(told.json()).toMatchObject({ system: 'atlas', environment: 'staging' })
    const { secrets } = told.json() as { secrets: { stores: unknown; consumers: unknown }[] }
    expect(secrets[0]).toMatchObject({
      name: 'session', owner: 'platform', environment: 'staging', lifecycle: 'active', strategy: 'in-place', issuer: 'random', impact: 'everyone signs in again', every: '90d', on: ['compromise'],
      due: 'overdue', rotated: ago(100), rotation: 'second', next: ago(10), open: 'third',
      stores: [{ use: 'dotenv', title: env, keys: [{ key: 'SESSION_SECRET', line: 2, present: true }] }],
      consumers: [{ wave: 1, use: 'command', title: 'command web', proof: 'http' }, { wave: 2, use: 'command', title: 'command job', proof: 'none' }],
    })
    expect(secrets[1]).toMatchObject({
      owner: 'data', lifecycle: 'legacy', strategy: 'alternate', every: 'never', due: 'inactive', consumers: [],
      stores: [
        { title: env, keys: [{ key: 'DATABASE_URL', line: 3, present: true }, { key: 'DB_PASSWORD', present: false }] },
        { title: `dotenv ${join(root, 'gone.env')}`, keys: [{ key: 'DATABASE_URL' }] },
      ],
    })
  })

  it('names the keys in its stores that no secret covers, once for a file under several names, and tells what looks like a secret', async () => {
    const { root, manifest } = makeFolder()
    symlinkSync('.env', join(root, 'gone.env'))
    const told = keptSession()
    await run(told, [], { manifest, json: true })
    const store = `dotenv ${join(root, '.env')}`
    expect(told.json()).toMatchObject({ notCovered: [{ store, key: 'PORT', line: 4, looksSecret: false }, { store, key: 'STRIPE_KEY', line: 5, looksSecret: true }], unread: [] })
  })

  it('says for people what is missing, who has no proof, and what could not be read', async () => {
    const { root, manifest } = makeFolder()
    const told = keptSession()
    expect(await run(told, [], { manifest })).toBe(0)
    for (const says of [
      /^atlas \(staging\): 2 secrets$/m, /^session {2}in-place by random$/m, /^database {2}alternate by postgres {2}legacy$/m, /^ {2}owner +platform$/m, /^ {2}rotated +never by this state; every 90d$/m,
      /^ {2}users feel +everyone signs in again$/m, /DATABASE_URL \(line 3\), DB_PASSWORD \(is not there\)/, /^ {2}read by 1 +command web, proof by http$/m, /^ {2}read by 2 +command job, which proves nothing$/m,
      /^ {2}read by +nobody that the manifest names$/m, /^ {2}STRIPE_KEY in dotenv .*, line 5$/m, /^ {2}1 more key, not secret by name or form$/m, /gone\.env: it cannot be read \(ENOENT\)$/m,
    ]) expect(told.out()).toMatch(says)
    expect(told.out()).not.toContain('PORT')
    expect(existsSync(join(root, 'state'))).toBe(false)
  })

  it('prints no value, for people or for scripts (S0-02)', async () => {
    const { manifest, values } = makeFolder()
    const redactor = new Redactor()
    for (const value of values) redactor.conceal(new Secret(value))
    for (const json of [false, true]) {
      const told = keptSession()
      await run(told, [], { manifest, json })
      expect(redactor.holds(told.out() + told.err())).toBe(false)
    }
  })
})
