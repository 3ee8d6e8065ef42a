import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import { NOW, openOne, tempFolder } from '../../test/fixture/state.ts'
import { startKeyturn } from '../../test/worlds/keyturn.ts'
import { exportCheckpoint } from '../proof/audit.ts'
import { ownerOf } from '../engine/owner.ts'
import { KeyturnError } from '../kit/index.ts'
import { claim } from '../state/lease.ts'
import { openState, type State } from '../state/open.ts'
import { PLAIN } from '../views/paint.ts'
import { run as audit } from './commands/audit.ts'
import { run as show } from './commands/show.ts'
import { run as status } from './commands/status.ts'
import type { Session } from './session.ts'

const MANIFEST = `version: 1
system: atlas
environment: staging
secrets:
  database:
    issuer: { use: random, name: key, format: hex, strategy: in-place }
    stores: [{ use: dotenv, file: .env, bind: { KEY: "{value}" } }]
`

interface Place {
  readonly folder: string
  readonly manifest: string
  /** Opens its state, making it the first time. */
  state(): Promise<State>
  /** Runs a command that only looks; what it refuses is thrown. */
  look(what: 'audit' | 'show' | 'status', words?: readonly string[], options?: object): Promise<{ readonly exit: number; readonly text: string }>
}

function place(): Place {
  const folder = tempFolder()
  const manifest = join(folder, 'keyturn.yaml')
  writeFileSync(manifest, MANIFEST)
  const ignore = (): undefined => undefined
  return {
    folder,
    manifest,
    state: () => openState(join(folder, '.keyturn'), join(folder, 'identity'), true),
    async look(what, words = [], options = {}) {
      const lines: string[] = []
      const terminal = { out: (text: string) => { lines.push(text) }, err: ignore, transient: ignore, conceal: ignore, paint: PLAIN }
      const session = { terminal, runtime: { env: {}, interrupt: new AbortController().signal, conceal: ignore } } satisfies Session
      const exit = await { audit, show, status }[what](session, words, { manifest, ...options })
      return { exit, text: lines.join('\n') }
    },
  }
}

/** Opens a rotation that has only begun; the dates of both are those of the test's clock. */
async function begin(state: State, id: string, secret = 'database', at = NOW): Promise<void> {
  await openOne(state, id, { secret, opened: { type: 'rotation-opened', at, body: { rotation: id, plan: specimenPlan(), version: '0.0.0', by: 'somebody', reason: 'a test' } } })
}

describe('audit verify before the first rotation', () => {
  it('says that there is nothing to verify yet, exits with 0 and makes no state', async () => {
    const { look, folder } = place()
    expect(await look('audit', ['verify'])).toEqual({ exit: 0, text: 'Nothing to verify yet: there was no rotation here.' })
    const { exit, text } = await look('audit', ['verify'], { json: true })
    expect([exit, JSON.parse(text)]).toEqual([0, { rotations: 0, entries: 0, receipts: 0, notes: 0, anchored: 0, problems: [] }])
    expect(existsSync(join(folder, '.keyturn'))).toBe(false)
  })

  it('is no such thing when a checkpoint or a receipt knows of rotations: then the state is gone', async () => {
    const { look, folder, state } = place()
    const open = await state()
    await begin(open, 'database-1')
    const checkpoint = join(folder, 'checkpoint.json')
    writeFileSync(checkpoint, JSON.stringify(await exportCheckpoint(open, NOW)))
    await open.close()
    rmSync(join(folder, '.keyturn'), { recursive: true })
    expect(await look('audit', ['verify'], { checkpoint })).toEqual({
      exit: 1, text: '1 problems in 0 rotations, 0 entries, 0 receipts; 0 anchored outside the database:\n  database-1: the journal is gone, a checkpoint knows it',
    })
    mkdirSync(join(folder, '.keyturn', 'receipts'), { recursive: true })
    writeFileSync(join(folder, '.keyturn', 'receipts', 'database-1.json'), '{}')
    expect(await look('audit', ['verify'])).toMatchObject({ exit: 1, text: expect.stringContaining('receipt database-1.json') })
  })
})

describe('status', () => {
  it('of one broken journal names it and lists the others, exit 1 (JOURNAL_BROKEN)', async () => {
    const { look, state } = place()
    const open = await state()
    for (const id of ['database-1', 'database-2', 'database-3']) await begin(open, id)
    await sql`update event set body = replace(body, 'somebody', 'nobody_x') where rotation = 'database-2'`.execute(open.db)
    const { exit, text } = await look('status')
    expect(exit).toBe(1)
    expect(text).toMatch(/^database-1 {2}ready {2}/m)
    expect(text).toMatch(/^database-3 {2}ready {2}/m)
    expect(text).toMatch(/^database-2 {2}JOURNAL_BROKEN {2}the journal was changed from outside: database-2: entry 1 was changed\n {2}Run `keyturn audit verify`/m)
    const json = await look('status', [], { json: true })
    expect(json.exit).toBe(1)
    expect(JSON.parse(json.text)).toMatchObject({
      open: [{ rotation: 'database-1', state: 'ready' }, { rotation: 'database-3', state: 'ready' }],
      broken: [{ rotation: 'database-2', secret: 'database', opened: '2026-01-01T00:00:00Z', error: { code: 'JOURNAL_BROKEN' } }],
    })
    await open.close()
  })

  it('of nothing but broken journals does not say that nothing is open', async () => {
    const { look, state } = place()
    const open = await state()
    await begin(open, 'database-1')
    await sql`update rotation set head = ${'0'.repeat(64)}`.execute(open.db)
    await open.close()
    expect((await look('status')).text).not.toContain('Nothing is open')
    expect(JSON.parse((await look('status', [], { json: true })).text)).toMatchObject({ open: [], broken: [{ rotation: 'database-1' }] })
  })

  it('says running of a run that lives and of one on another host, and ready of one that was killed here', async () => {
    const { look, state } = place()
    const open = await state()
    const alive = ownerOf(process.pid)
    const killed = alive.replace(/ .*$/, ' 1@1')
    const elsewhere = `elsewhere/boot/space 4711@1`
    for (const [id, owner] of [['alive', alive], ['killed', killed], ['elsewhere', elsewhere]] as const) {
      await begin(open, id)
      await claim(open.db, id, owner, Date.now, () => false)
    }
    await open.close()
    const stated = JSON.parse((await look('status', [], { json: true })).text) as { open: { rotation: string; state: string; heldBy?: string }[] }
    expect(Object.fromEntries(stated.open.map((each) => [each.rotation, [each.state, each.heldBy]]))).toEqual({
      alive: ['running', alive], elsewhere: ['running', elsewhere], killed: ['ready', undefined],
    })
    const { text } = await look('status')
    expect(text).toContain(`held by process ${process.pid} of ${hostname()};`)
    expect(text).toContain('held by process 4711 of elsewhere;')
    expect(text).toContain('Nobody runs it: keyturn resume killed')
    expect((await look('show', ['killed'])).text).toContain('Nobody runs it')
  })
})

it('a rotation that is held is refused with LOCKED: which process of which host, and until when', async () => {
  const { state } = place()
  const open = await state()
  await begin(open, 'database-1')
  await claim(open.db, 'database-1', ownerOf(process.pid), () => NOW, () => false)
  await expect(claim(open.db, 'database-1', 'another/boot/space 1@1', () => NOW, () => false)).rejects.toMatchObject({
    code: 'LOCKED', about: `database-1 is held by process ${process.pid} of ${hostname()} until 2026-01-01T00:00:15Z, longer while that goes on`,
  })
  await open.close()
})

it('show of a secret with several rotations lists them newest first and says how to name one', async () => {
  const { look, state } = place()
  const open = await state()
  for (const [index, id] of ['database-b', 'database-a', 'database-c'].entries()) {
    await begin(open, id, 'database', NOW + index * 60_000)
    await sql`update rotation set result = 'done' where id = ${id}`.execute(open.db)
  }
  await open.close()
  const thrown: unknown = await look('show', ['database']).catch((error: unknown) => error)
  if (!(thrown instanceof KeyturnError)) throw new Error('it was shown')
  expect(thrown.code).toBe('ROTATION_UNKNOWN')
  expect([...thrown.about.matchAll(/database-\w/g)].map(String)).toEqual(['database-c', 'database-a', 'database-b'])
  expect(thrown.hint).toContain('`keyturn show database-c`')
  expect((await look('show', ['database-a'])).text).toMatch(/^database-a /)
})

describe('keyturn help', () => {
  const keyturn = (...args: string[]) => startKeyturn(args, { launcher: join(import.meta.dirname, '../../bin/keyturn.js'), cwd: tempFolder(), env: {} }).end

  it('of a command that there is not exits with 2 and names the one that was probably meant', async () => {
    const meant = await keyturn('help', 'statsu')
    expect([meant.code, meant.out]).toEqual([2, ''])
    expect(meant.err).toContain('there is no command statsu\nDid you mean `keyturn help status`?')
    const other = await keyturn('help', 'nosuch', '--json')
    expect(other.code).toBe(2)
    expect(other.json()).toMatchObject({ error: { code: 'USAGE', about: 'there is no command nosuch', hint: 'Run `keyturn help` for all commands.' } })
  })

  it('of one that there is shows its words, and without a name all of them', async () => {
    const one = await keyturn('help', 'status')
    expect([one.code, one.out]).toEqual([0, expect.stringMatching(/^Usage: keyturn status /)])
    const all = await keyturn('help')
    expect([all.code, all.out]).toEqual([0, expect.stringMatching(/^Usage: keyturn \[options\] \[command\][^]*Exit codes:/)])
  })
})
