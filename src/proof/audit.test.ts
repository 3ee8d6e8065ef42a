import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { begin, moves, type World } from '../../test/fixture/simulator.ts'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import { freshState, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { createIdentity } from '../sealing/identity.ts'
import { append, chain, GENESIS, readJournal, storedBytes } from '../state/journal.ts'
import type { State } from '../state/open.ts'
import { exportCheckpoint, type SignedCheckpoint, verifyState } from './audit.ts'
import type { TimedEvent } from '../journal/event.ts'
import { foldProgress } from '../journal/progress.ts'
import { makeReceipt, signReceipt } from './receipt.ts'

/** A state with one rotation that is done, and the receipt beside it that was written before the last two entries. */
async function stateWithRotation(options: { readonly receipt: boolean } = { receipt: true }): Promise<State> {
  const state = await freshState()
  let world: World = begin(specimenPlan())
  for (let move = moves(world)[0]; move !== undefined; move = moves(world)[0]) world = move.after
  const [opened, ...rest] = world.events.map(({ type, at, ...body }) => ({ type, at, body }))
  if (opened === undefined) throw new Error('no entries')
  await openOne(state, 'one', { opened })
  const held = await take(state, 'one')
  await append(state, held, rest.slice(0, -2))
  const atReceipt = { seq: held.seq, head: held.head }
  await append(state, held, rest.slice(-2), { close: { result: 'done', wipe: [] } })
  if (options.receipt && state.identity !== undefined) {
    const events: readonly TimedEvent[] = world.events.slice(0, -2)
    const receipt = makeReceipt(
      'one',
      events,
      foldProgress(events),
      { inUse: { id: 'app_b', fingerprint: 'kf:1' }, other: { id: 'app', fingerprint: 'kf:0' } },
      atReceipt,
      world.now,
    )
    mkdirSync(join(state.folder, 'receipts'), { mode: 0o700 })
    writeFileSync(
      join(state.folder, 'receipts', 'one.json'),
      JSON.stringify(signReceipt(receipt, state.identity)),
      { mode: 0o600 },
    )
  }
  return state
}

type Body = Record<string, unknown>

/** Changes entries as the holder of the database can: every later hash and the head are computed again. */
async function forge(
  state: State,
  change: (body: Body, seq: number) => { readonly type?: string; readonly body?: Body } | 'drop',
): Promise<void> {
  const stored = await readJournal(state.db, 'one')
  await sql`delete from event where rotation = 'one'`.execute(state.db)
  let [hash, seq] = [GENESIS, 0]
  for (const entry of stored) {
    const changed = change(entry.body, entry.seq)
    if (changed === 'drop') continue
    seq += 1
    const [type, body] = [changed.type ?? entry.type, changed.body ?? entry.body]
    const bytes = storedBytes(seq, { type, at: entry.at, body })
    hash = chain(hash, bytes)
    await state.db.insertInto('event').values({ rotation: 'one', seq, type, at: entry.at, body: bytes, hash }).execute()
  }
  await sql`update rotation set seq = ${seq}, head = ${hash} where id = 'one'`.execute(state.db)
}

const problems = async (
  state: State,
  outside: Parameters<typeof verifyState>[1] = {},
): Promise<readonly string[]> => (await verifyState(state, outside)).problems
const renamed = (body: Record<string, unknown>): Record<string, unknown> => ({ ...body, by: 'somebody else' })

describe('verifyState', () => {
  it('finds nothing in a state as it was written, with receipt and checkpoint', async () => {
    const state = await stateWithRotation()
    const checkpoint = await exportCheckpoint(state, Date.now())
    const audit = await verifyState(state, { checkpoint })
    expect(audit).toMatchObject({ rotations: 1, receipts: 1, anchored: 1, problems: [] })
    expect(audit.entries).toBe((await readJournal(state.db, 'one')).length)
  })

  it('goes on with what was written after the checkpoint', async () => {
    const state = await stateWithRotation()
    const checkpoint = await exportCheckpoint(state, Date.now())
    const { type, at, ...body } = begin(specimenPlan()).events[0] ?? { type: '', at: 0 }
    await openOne(state, 'two', { opened: { type, at, body: { ...body, rotation: 'two' } } })
    expect(await verifyState(state, { checkpoint })).toMatchObject({ rotations: 2, anchored: 1, problems: [] })
  })

  it('finds a whole journal that was put in the place of another, without any anchor', async () => {
    const state = await stateWithRotation({ receipt: false })
    const { type, at, ...body } = begin(specimenPlan()).events[0] ?? { type: '', at: 0 }
    await openOne(state, 'two', { opened: { type, at, body } })
    expect((await verifyState(state)).problems).toEqual(['two: it is the journal of one'])
  })

  it('finds an edit whose later hashes were all computed again, against the receipt and against a checkpoint', async () => {
    for (const receipt of [true, false]) {
      const state = await stateWithRotation({ receipt })
      const checkpoint = await exportCheckpoint(state, Date.now())
      await forge(state, (body, seq) => (seq === 2 ? { body: renamed(body) } : {}))
      const alone = await problems(state)
      expect(alone.join()).toBe(
        receipt ? `one: differs from a receipt at entry ${(await readJournal(state.db, 'one')).length - 2} or before` : ''
      )
      expect((await problems(state, { checkpoint })).at(0)).toMatch(/one: differs from a checkpoint at entry \d+ or before/)
    }
  })

  it('finds a tail that was dropped and a head that was moved back, against a checkpoint to the last entry', async () => {
    const state = await stateWithRotation()
    const checkpoint = await exportCheckpoint(state, Date.now())
    const { length } = await readJournal(state.db, 'one')
    await forge(state, (_, seq) => (seq === length ? 'drop' : {}))
    expect(await problems(state)).toEqual([])
    expect(await problems(state, { checkpoint })).toEqual([`one: ends at entry ${length - 1}, a checkpoint knows ${length}`])
    await forge(state, (_, seq) => (seq > length - 3 ? 'drop' : {}))
    expect(await problems(state)).toEqual([`one: ends at entry ${length - 3}, a receipt knows ${length - 2}`])
  })

  it('finds a journal that is gone as a whole', async () => {
    const state = await stateWithRotation()
    const checkpoint = await exportCheckpoint(state, Date.now())
    await sql`delete from event`.execute(state.db)
    await sql`delete from rotation`.execute(state.db)
    expect(await problems(state, { checkpoint })).toEqual(
      ['one: the journal is gone, a checkpoint knows it', 'one: the journal is gone, a receipt knows it']
    )
  })

  it('finds an edit without any anchor when the hashes were left as they were, and goes on with the other journals', async () => {
    const state = await stateWithRotation({ receipt: false })
    await sql`update event set body = replace(body, 'somebody', 'nobody') where seq = 1`.execute(state.db)
    expect(await problems(state)).toEqual(['one: entry 1 was changed'])
    await sql`update event set body = 'no entry' where seq = 1`.execute(state.db)
    expect(await problems(state)).toEqual(['one: entry 1 differs from its columns'])
  })

  it('finds a forged journal that breaks what every journal keeps, or is none at all', async () => {
    const state = await stateWithRotation({ receipt: false })
    await forge(state, (body) => ('step' in body && body['step'] === 'gate:off' ? 'drop' : {}))
    expect((await problems(state)).join()).toMatch(/one: I6: off without a fresh gate/)
    await forge(state, (_, seq) => (seq === 1 ? { type: 'noted', body: {} } : {}))
    expect(await problems(state)).toEqual(['one: the entries are not those of a rotation'])
    const other = await stateWithRotation({ receipt: false })
    await forge(other, (body, seq) => (seq === 3 ? { body: { ...body, step: 'no such step' } } : {}))
    expect(await problems(other)).toEqual(['one: the entries are not those of a rotation'])
  })

  it('takes no checkpoint that was changed, that somebody else signed, or that is none', async () => {
    const state = await stateWithRotation({ receipt: false })
    const checkpoint = await exportCheckpoint(state, Date.now())
    const stranger = await exportCheckpoint(
      { ...state, identity: await createIdentity(join(tempFolder(), 'identity')) },
      Date.now(),
    )
    const { one } = checkpoint.checkpoint.heads
    const changed = { ...checkpoint, checkpoint: { ...checkpoint.checkpoint, heads: { one: { seq: 1, head: one?.head ?? '' } } } }
    const given = [
      changed, stranger, { ...stranger, publicKey: checkpoint.publicKey }, { ...checkpoint, publicKey: 'no key' },
      { ...checkpoint, signature: '' }, {} as SignedCheckpoint,
    ]
    for (const each of given) {
      const audit = await verifyState(state, { checkpoint: each })
      expect(audit).toMatchObject({ problems: ['the checkpoint does not verify'], anchored: 0 })
    }
    const theirs = await createIdentity(join(tempFolder(), 'identity'))
    expect(await problems(state, { checkpoint, key: theirs.publicKey })).toEqual(['the checkpoint does not verify'])
    expect(await problems(state, { checkpoint: stranger, key: stranger.publicKey })).toEqual([])
  })

  it('takes no receipt that was changed, that somebody else signed, or that is none', async () => {
    const state = await stateWithRotation()
    const file = join(state.folder, 'receipts', 'two.json')
    const texts = [
      '{',
      '{}',
      'null',
      JSON.stringify(signReceipt({} as never, await createIdentity(join(tempFolder(), 'identity')))),
    ]
    for (const text of texts) {
      writeFileSync(file, text)
      expect((await problems(state)).map((each) => each.slice(0, 17))).toEqual(['receipt two.json:'])
    }
  })

  it('needs no identity; exporting a checkpoint does', async () => {
    const state = await stateWithRotation()
    const { identity: _, ...bare } = state
    expect(await problems(bare)).toEqual([])
    await expect(exportCheckpoint(bare, Date.now())).rejects.toMatchObject({ code: 'IDENTITY_MISSING' })
  })
})
