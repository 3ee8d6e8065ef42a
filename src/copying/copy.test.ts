import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { BACKENDS, entry, freshDatabase, type FreshState, NOW, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { ready } from '../../test/servers/postgres.ts'
import { startProxy } from '../../test/servers/proxy.ts'
import { checkState } from './check.ts'
import { copyState } from './copy.ts'
import { append, readJournal, verifyChain } from '../state/journal.ts'
import { claim } from '../state/lease.ts'
import { readLedger, readSealed } from '../state/ledger.ts'
import { readMoves } from '../state/moved.ts'
import { appendNote, readNotes } from '../state/note.ts'
import { openState, type State } from '../state/open.ts'
import type { StatePlace } from '../state/place.ts'
import { receiptFile } from '../proof/receipts.ts'
import { findRotation, listRotations } from '../state/rotation.ts'
import { rowsOf, Tally } from './rows.ts'

const alive = (): boolean => false
const dead = (): boolean => true

const sealed = { ciphertext: Buffer.from([0, 1, 255, 10, 92]), mac: '' }
const change = (fingerprint: string, state: string) => ({ secretKey: 'atlas/staging/database', providerId: 'app', fingerprint, state })

/** Something in every table: a closed rotation, an open one that waits, and one in the middle of a step whose owner is gone. */
async function fill(state: State): Promise<void> {
  for (const id of ['closed', 'waiting', 'working']) await openOne(state, id, { secret: id })
  await append(state, await take(state, 'closed', 'gone'), [entry(2), { ...entry(3), type: 'rotation-closed' }], { sealed: { new: sealed, old: sealed }, ledger: [change('kf:1', 'gone'), change('kf:2', 'presented')], receipt: '{"a":1}\n', close: { result: 'done', wipe: ['old'] } })
  const waiting = await take(state, 'waiting', 'gone')
  await append(state, waiting, [entry(2)], { sealed: { new: sealed }, dueAt: NOW + 5_000, waitsFor: 'grace' })
  const working = await take(state, 'working', 'gone')
  await append(state, working, [entry(2, { text: 'Ä \u2028 "\\' })], { holds: { resource: 'store:one', until: Date.now() + 60_000, begins: true } })
  await appendNote(state, entry(9), [change('kf:3', 'staged')])
  await state.db.insertInto('notice').values({ id: 'waiting.000001', notifier: 'ops', system: 'atlas', environment: 'staging', at: NOW, body: '{}', tries: 1, due_at: NOW, sent_at: null, code: 'UNREACHABLE' }).execute()
}

async function digestOf(state: State): Promise<string> {
  const tally = new Tally()
  for await (const row of rowsOf(state.db)) {
    // Taken away from whoever held it, so that it cannot go on at both places.
    const { fence: _, ...values } = row.values
    tally.add({ ...row, values })
  }
  return tally.digest()
}

async function openedAgain(state: FreshState, place: StatePlace, write = true): Promise<State> {
  const opened = await openState(place, write ? state.identityFile : undefined)
  onTestFinished(() => opened.close())
  return opened
}

const WAYS = BACKENDS.flatMap((from) => BACKENDS.map((to) => ({ name: `from ${from.name} to ${to.name}`, fresh: from.fresh, target: to.place, kind: to.kind })))

describe.each(WAYS)('a state that is copied $name', ({ fresh, target, kind }) => {
  it('arrives with everything in it, and its open rotations go on there', async () => {
    const state = await fresh()
    await fill(state)
    const before = await digestOf(state)
    const place = await target()
    const copied = await copyState(state.place, place, dead)
    expect(copied).toMatchObject({ open: 2, counts: { rotation: 3, event: 7, sealed: 2, receipt: 1, note: 1, notice: 1, credential: 3 } })
    const moved = await openedAgain(state, place)
    expect(moved.kind).toBe(kind)
    expect(moved.publicKey).toBe(state.publicKey)
    expect(await digestOf(moved)).toBe(before)
    for (const { id, seq, head } of await listRotations(moved.db)) expect(verifyChain(await readJournal(moved.db, id), { seq, hash: head })).toBeUndefined()
    expect(await readNotes(moved.db)).toEqual(await readNotes(state.db))
    expect((await readLedger(moved.db, 'atlas/staging/database')).map((row) => row.fingerprint)).toEqual((await readLedger(state.db, 'atlas/staging/database')).map((row) => row.fingerprint))
    expect(Buffer.from((await readSealed(moved.db, 'waiting', 'new'))?.ciphertext ?? []).equals(sealed.ciphertext)).toBe(true)
    expect(existsSync(receiptFile(moved.folder, 'closed'))).toBe(kind === 'sqlite')
    expect((await checkState(moved)).problems).toEqual([])
    // Where it was it is known who was at work, and what it holds is held here, too.
    const next = await claim(moved.db, 'working', 'new owner', moved.clock, dead)
    expect(next.predecessor).toBe('dead')
    await openOne(moved, 'other')
    const other = await take(moved, 'other', 'somebody')
    await expect(append(moved, other, [{ ...entry(2), at: Date.now() }], { holds: { resource: 'store:one', until: Date.now() + 9_000, begins: true } })).rejects.toMatchObject({ code: 'LOCKED' })
    await append(moved, next.claim, [entry(3)], { close: { result: 'done', wipe: [] } })
  })

  it('is only read from then on at its old place, also by who had it open', async () => {
    const state = await fresh()
    await fill(state)
    const stale = (await claim(state.db, 'waiting', 'stopped', () => NOW, dead, 1)).claim
    const place = await target()
    const copied = await copyState(state.place, place, dead)
    await expect(openState(state.place, state.identityFile, true)).rejects.toMatchObject({ code: 'STATE_MOVED', about: `it is at ${copied.to} now` })
    expect(copied.to + copied.from).not.toMatch(/postgres:[^/]|@/)
    await expect(append(state, stale, [entry(3)])).rejects.toMatchObject({ code: 'FENCED' })
    await expect(claim(state.db, 'working', 'late', state.clock, alive)).rejects.toMatchObject({ code: 'LOCKED' })
    await expect(openOne(state, 'late')).rejects.toMatchObject({ code: 'STATE_MOVED' })
    await expect(appendNote(state, entry(1))).rejects.toMatchObject({ code: 'STATE_MOVED' })
    const looked = await openedAgain(state, state.place, false)
    expect(await listRotations(looked.db)).toHaveLength(3)
    expect((await checkState(looked)).notices).toEqual([`it was moved to ${copied.to}`])
    await expect(copyState(state.place, await target(), dead)).rejects.toMatchObject({ code: 'STATE_MOVED' })
  })

  it('is not copied while somebody is at work in it, and nothing is changed then', async () => {
    const state = await fresh()
    await fill(state)
    await claim(state.db, 'waiting', 'at work', state.clock, dead)
    const before = await digestOf(state)
    await expect(copyState(state.place, await target(), alive)).rejects.toMatchObject({ code: 'LOCKED', about: 'waiting is held by at work' })
    expect(await digestOf(state)).toBe(before)
    expect(await readMoves(state.db)).toEqual({})
    expect(await findRotation(state.db, 'waiting')).toMatchObject({ owner: 'at work' })
  })

  it('does not go where there is a state already', async () => {
    const state = await fresh()
    const root = tempFolder()
    const place = await target(root)
    const other = await openState(place, join(root, 'identity'), true)
    await openOne(other, 'theirs')
    await other.close()
    for (const taken of [place, state.place]) await expect(copyState(state.place, taken, dead)).rejects.toMatchObject({ code: 'USAGE' })
    expect((await listRotations((await openedAgain({ ...other, place, identityFile: join(root, 'identity') }, place)).db)).map((row) => row.id)).toEqual(['theirs'])
    await openOne(state, 'ours')
  })
})

describe.each(BACKENDS)('a copy that fails, from $name', ({ fresh }) => {
  it('leaves the state as it was', async () => {
    const state = await fresh()
    await fill(state)
    const before = await digestOf(state)
    const proxy = await startProxy(await ready(inject('postgresUrl')))
    onTestFinished(() => proxy.close())
    const root = tempFolder()
    const place = await freshDatabase(root, proxy.url)
    proxy.cutAt('insert into "event"', 'before')
    await expect(copyState(state.place, place, dead)).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    expect(await digestOf(state)).toBe(before)
    expect(await readMoves(state.db)).toEqual({})
    await append(state, (await claim(state.db, 'waiting', 'next', state.clock, dead)).claim, [entry(3)])
    await copyState(state.place, place, dead)
    expect(await readJournal((await openedAgain(state, place)).db, 'waiting')).toHaveLength(3)
  })

  it('before its end can be run again, to there or to elsewhere, and never leaves two places that may be written', async () => {
    const state = await fresh()
    await fill(state)
    const [first, second] = [await freshDatabase(), join(tempFolder(), 'state')]
    await copyState(state.place, first, dead)
    // As if it had been killed after everything was there, and before the old place was given up.
    const { moved } = await readMoves(state.db)
    await sql`update meta set value = ${JSON.stringify({ to: moved?.to, token: moved?.token, done: false })} where key = 'moved'`.execute(state.db)
    const there = await openState(first, undefined)
    onTestFinished(() => there.close())
    await there.db.insertInto('meta').values({ key: 'arriving', value: moved?.token ?? '' }).execute()
    for (const place of [state.place, first]) await expect(openState(place, state.identityFile)).rejects.toMatchObject({ code: 'STATE_MOVED', hint: expect.stringContaining('again') as string })
    await copyState(state.place, second, dead)
    await expect(openState(first, state.identityFile)).rejects.toMatchObject({ code: 'STATE_MOVED' })
    expect(await listRotations((await openedAgain(state, second)).db)).toHaveLength(3)
  })

  it('after its end is ended by the same copy again', async () => {
    const state = await fresh()
    await fill(state)
    const place = await freshDatabase()
    await copyState(state.place, place, dead)
    const there = await openState(place, undefined)
    onTestFinished(() => there.close())
    await there.db.insertInto('meta').values({ key: 'arriving', value: (await readMoves(state.db)).moved?.token ?? '' }).execute()
    await expect(openState(place, state.identityFile)).rejects.toMatchObject({ code: 'STATE_MOVED' })
    expect(await copyState(state.place, place, dead)).toMatchObject({ open: 2 })
    await openedAgain(state, place)
  })

  it('is refused when a journal does not verify, and leaves the state as it was', async () => {
    const state = await fresh()
    await fill(state)
    await sql`update event set body = replace(body, '"number":2', '"number":7') where rotation = 'waiting'`.execute(state.db)
    await expect(copyState(state.place, join(tempFolder(), 'state'), dead)).rejects.toMatchObject({ code: 'JOURNAL_BROKEN', about: 'waiting: entry 2 was changed' })
    expect(await readMoves(state.db)).toEqual({})
  })
})

describe('a state in a folder', () => {
  it('takes along receipts that an older keyturn kept in files only', async () => {
    const [{ fresh }] = BACKENDS
    const state = await fresh()
    await fill(state)
    await state.db.deleteFrom('receipt').execute()
    const { saveReceipt, readReceipt } = await import('../proof/receipts.ts')
    for (const [id, text] of [['closed', '{"old":1}\n'], ['unknown', '{}\n']] as const) saveReceipt(state.folder, id, text)
    const place = await freshDatabase()
    expect((await copyState(state.place, place, dead)).counts.receipt).toBe(1)
    const moved = await openedAgain(state, place)
    expect(await readReceipt(moved, 'closed')).toBe('{"old":1}\n')
    expect(readdirSync(join(state.folder, 'receipts')).toSorted()).toEqual(['closed.json', 'unknown.json'])
  })

  it('is not copied while the child of a killed run works', async () => {
    const [{ fresh }] = BACKENDS
    const state = await fresh()
    const { processMark } = await import('../outside/process/start.ts')
    writeFileSync(join(state.folder, 'x.lock'), JSON.stringify({ deadline: Date.now(), pid: process.pid, mark: processMark(process.pid) }))
    await expect(copyState(state.place, await freshDatabase(), dead)).rejects.toMatchObject({ code: 'LOCKED' })
    await openOne(state, 'one')
  })
})
