import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'

const theatre = useTheatre()

describe('plan', () => {
  it('shows what a reviewer needs and changes nothing: no role, no byte, no state (X-06)', async () => {
    const world = await theatre.open({ instances: 2, pace: { grace: '48h', undo: '1h' } })
    const before = await world.photo()
    const ran = await world.keyturn(['plan', 'database'])
    expectRun(ran, 0,
      /Plan for database of atlas \(production\): alternate/, new RegExp(`in use +${world.role}`), new RegExp(`will be +${world.role}_alt`),
      /store +dotenv .*\.env: APP_DATABASE_URL/, /wave 1 +process atlas: atlas-1, atlas-2; graceful, proof by challenge/, /users feel +none/,
      /gap +none/, /slots +2 of 2/, /fenced by the issuer/, /with the waits 2 d/, /no return +from the step gone on/, /not restored +sessions of the old/,
      /wait 2 d of grace/, /Nothing was changed\./)
    const file = join(world.run, 'plan.json')
    expectRun(await world.keyturn(['plan', '--out', file]), 0)
    expectRun(await world.keyturn(['plan', 'database', '--offline']), 0, /not looked at/)
    expect(await world.photo()).toEqual(before)
    expect(existsSync(world.state)).toBe(false)
    expect(existsSync(world.stage.environment['KEYTURN_IDENTITY'] ?? '')).toBe(false)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([{ format: 1, secret: 'database', summary: { gap: 0 } }])
  })

  it('tells that an admin without the right to fence leaves late effects unfenced', async () => {
    const world = await theatre.open()
    const admin = await world.makeAdmin('createrole')
    await world.stage.database.admin(`grant ${world.role} to ${world.role}_admin with admin option; grant pg_read_all_stats, pg_signal_backend to ${world.role}_admin`)
    expectRun(await world.keyturn(['plan', 'database'], { env: { PG_ADMIN_URL: admin } }), 0, /late effects +unfenced/, /note +unfenced: .*GRANT SET ON PARAMETER/)
  })

  it('is carried out by `rotate --plan` as it is, and refused with 3 when the world has moved since', async () => {
    const world = await theatre.open({ instances: 1 })
    const [first, second] = [join(world.run, 'first.json'), join(world.run, 'second.json')]
    expectRun(await world.keyturn(['plan', 'database', '--out', first]), 0)
    expectRun(await world.keyturn(['rotate', 'database', '--plan', first, '--wait']), 0, /Done/)
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database', '--plan', first, '--wait']), 3, /WORLD_MOVED .*another credential is in use/, /Make a new plan/)

    expectRun(await world.keyturn(['plan', 'database', '--out', second]), 0)
    world.rewrite((secret) => { delete secret.consumers })
    expectRun(await world.keyturn(['rotate', 'database', '--plan', second, '--wait']), 3, /WORLD_MOVED .*the consumers or their instances are others/)
    expectRun(await world.keyturn(['rotate', 'database', '--plan', world.stage.manifest]), 2, /USAGE .*is no plan/)
    expect(await world.photo()).toEqual(before)
  })
})

describe('status, history and show', () => {
  it('work without the identity, before the first rotation, in it and after it', async () => {
    const world = await theatre.open({ pace: { grace: '1h' } })
    expectRun(await world.keyturn(['status']), 0, /Nothing is open\./)
    expectRun(await world.keyturn(['history']), 0, /No rotation yet\./)
    expect((await world.keyturn(['history', '--json'])).json()).toEqual({ rotations: [] })
    expect(existsSync(world.state)).toBe(false)

    const first = await world.keyturn(['rotate', 'database'])
    expectRun(first, 4, /A new identity was made: /, /Keep a copy of it elsewhere/)
    const identity = world.stage.environment['KEYTURN_IDENTITY'] ?? ''
    renameSync(identity, `${identity}.away`)
    const rotation = await world.newest()
    expectRun(await world.keyturn(['status']), 0, new RegExp(rotation), /waiting/)
    expectRun(await world.keyturn(['history', 'database']), 0, new RegExp(rotation), /open {2}waits for grace/)
    expectRun(await world.keyturn(['show', rotation]), 0, /✔ mint/, /Ledger/, new RegExp(`${world.role}_alt +kf:[0-9a-f]{32} {2}presented`))
    expectRun(await world.keyturn(['show', rotation, '--events']), 0, /Journal/, /intent-recorded mint/)
    expectRun(await world.keyturn(['audit', 'verify']), 0)
    expectRun(await world.keyturn(['resume']), 3, /IDENTITY_MISSING/)
    expect(existsSync(identity)).toBe(false)
    renameSync(`${identity}.away`, identity)
    expectRun(await world.keyturn(['abort', rotation.slice(0, -2)]), 0)
  })

  it('with --json every command prints one JSON document, refusals too', async () => {
    const world = await theatre.open({ pace: { grace: '1h' } })
    const json = async (...args: string[]): Promise<unknown> => (await world.keyturn([...args, '--json'])).json()
    expect(await json('plan', 'database')).toMatchObject({ plan: { format: 1 } })
    expect(await json('plan')).toMatchObject({ plans: [{ format: 1 }] })
    const rotation = (await json('rotate', 'database') as { rotation: string }).rotation
    expect(await json('status')).toMatchObject({ open: [{ rotation, state: 'waiting', phase: 'present' }] })
    expect(await json('history')).toMatchObject({ rotations: [{ rotation, secret: 'database', waitsFor: 'grace' }] })
    expect(await json('show', rotation)).toMatchObject({ rotation, plan: { format: 1 } })
    expect(await json('resume')).toMatchObject({ rotation, is: 'waiting', why: 'grace' })
    expect(await json('resume', rotation)).toMatchObject({ rotation, is: 'waiting', why: 'grace' })
    expect(await json('undo', rotation)).toMatchObject({ error: { code: 'NOT_NOW', hint: expect.any(String) } })
    expect(await json('rotate', 'database')).toMatchObject({ error: { code: 'ROTATION_OPEN' } })
    expect(await json('abort', rotation)).toMatchObject({ rotation, is: 'closed', result: 'rolled-back', receipt: expect.stringContaining(rotation) })
    expect(await json('audit', 'verify')).toMatchObject({ problems: [], rotations: 1, receipts: 1 })
    expect(await json('audit', 'export')).toMatchObject({ checkpoint: { heads: { [rotation]: { seq: expect.any(Number) } } } })
    expect(await json('plan', 'other')).toMatchObject({ error: { code: 'SECRET_UNKNOWN' } })
    expect(await json('plan', '--offlin')).toMatchObject({ error: { code: 'USAGE' } })
  })
})

describe('audit', () => {
  it('verifies journals, a receipt by itself, and against a checkpoint that was exported; finds a tail that was dropped', async () => {
    const world = await theatre.open()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    const rotation = await world.newest()
    const elsewhere = join(world.run, 'elsewhere')
    mkdirSync(elsewhere)
    const [checkpoint, receipt] = [join(elsewhere, 'checkpoint.json'), join(elsewhere, 'receipt.json')]
    expectRun(await world.keyturn(['audit', 'export', '--out', checkpoint]), 0)
    cpSync(join(world.state, 'receipts', `${rotation}.json`), receipt)
    expectRun(await world.keyturn(['audit', 'verify', '--checkpoint', checkpoint]), 0, /Verified: 1 rotations.*2 anchored/)
    expectRun(await world.keyturn(['audit', 'verify', '--receipt', receipt, '--manifest', '/nowhere']), 0, /The receipt verifies/, /old at primary: rejected 28P01/)

    const edited = JSON.parse(readFileSync(receipt, 'utf8')) as { receipt: { by: string } }
    edited.receipt.by = 'nobody'
    writeFileSync(receipt, JSON.stringify(edited))
    expectRun(await world.keyturn(['audit', 'verify', '--receipt', receipt]), 1, /RECEIPT_INVALID/)

    // The last entry and the head that knew of it: the journal by itself is whole again, only the checkpoint knows better.
    const db = new DatabaseSync(join(world.state, 'keyturn.db'))
    db.exec(`delete from event where seq = (select max(seq) from event);
      update rotation set seq = seq - 1, head = (select hash from event order by seq desc limit 1)`)
    db.close()
    expectRun(await world.keyturn(['audit', 'verify', '--checkpoint', checkpoint]), 1, /1 problems/, /ends at entry \d+, a checkpoint knows/)
  })
})

describe('what was mistyped', () => {
  it.each([
    [['rotat', 'database'], /unknown command 'rotat'/, /Did you mean rotate\?/],
    [['rotate', 'databse'], /SECRET_UNKNOWN .*databse/, /The manifest has: database\./],
    [['plan', '--jsn'], /unknown option '--jsn'/, /Did you mean --json\?/],
    [['abort', 'nothing'], /ROTATION_UNKNOWN/, /keyturn history/],
    [['show', 'nothing'], /ROTATION_UNKNOWN/, /keyturn history/],
    [['audit', 'verfy'], /USAGE .*audit has no verfy/, /keyturn audit verify/],
    [['rotate'], /no secret is named/, /--all/],
    [['plan', '--manifest', 'other.yaml'], /MANIFEST_MISSING .*other\.yaml/, /--manifest FILE/],
  ])('keyturn %j exits with 2 and a suggestion, and makes nothing', async (args, says, suggests) => {
    const world = mistyped ??= await theatre.keep()
    const before = await world.photo()
    expectRun(await world.keyturn(args), 2, says, suggests)
    expect(await world.photo()).toEqual(before)
    rmSync(world.state, { recursive: true, force: true })
  })
})

let mistyped: Awaited<ReturnType<typeof theatre.keep>> | undefined
