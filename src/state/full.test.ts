import { sql } from 'kysely'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { smallDisk } from '../../test/fixture/small-disk.ts'
import { entry, freshState, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { append, readJournal, verifyChain } from './journal.ts'
import { claim, renew } from './lease.ts'
import { stateError } from './error.ts'
import { openState, type State } from './open.ts'
import { findRotation } from './rotation.ts'

interface Limited {
  readonly state: State
  full(): Promise<void> | void
  freed(): Promise<void> | void
}

/** A state whose database may not grow by one page. */
async function limitedByPages(root: string = tempFolder()): Promise<Limited> {
  const state = await freshState(root)
  const pages = async (count: number): Promise<void> => {
    await sql.raw(`pragma max_page_count = ${count}`).execute(state.db)
  }
  return {
    state,
    full: async () => {
      const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(state.db)
      await pages(rows[0]?.page_count ?? 1)
    },
    freed: () => pages(1_000_000),
  }
}

/** A state on a disk that is really full; where none can be mounted, the database's own limit says the same. */
async function limitedByDisk(): Promise<Limited> {
  const disk = smallDisk('2m')
  if (disk === undefined) return limitedByPages()
  return { state: await freshState(disk.folder), full: () => { disk.fill() }, freed: () => { disk.free() } }
}

describe.each([['the database may not grow', limitedByPages], ['the disk is full', limitedByDisk]])('when %s', (_, limited) => {
  it('an append is refused with STATE_FULL, the journal is intact, and it goes through when there is space', async () => {
    const { state, full, freed } = await limited()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    await append(state, held, [entry(2)])
    const before = await findRotation(state.db, 'one')
    await full()
    const big = entry(3, { text: 'x'.repeat(200_000) })
    const together = { ledger: [{ secretKey: 'a', providerId: 'b', fingerprint: 'c', state: 'staged' }] }
    for (let time = 0; time < 2; time += 1) await expect(
      append(state, held, [big], together)
    ).rejects.toMatchObject({ code: 'STATE_FULL' })
    expect(await findRotation(state.db, 'one')).toEqual(before)
    const stored = await readJournal(state.db, 'one')
    expect(stored).toHaveLength(2)
    expect(verifyChain(stored, { seq: before.seq, hash: before.head })).toBeUndefined()
    expect(await state.db.selectFrom('credential').selectAll().execute()).toEqual([])
    await freed()
    await append(state, held, [big], together)
    expect(verifyChain(await readJournal(state.db, 'one'), { seq: 3, hash: held.head })).toBeUndefined()
  })

  it('a rotation is not opened by halves', async () => {
    const { state, full, freed } = await limited()
    await full()
    await expect(
      openOne(state, 'one', { opened: entry(1, { text: 'x'.repeat(200_000) }) })
    ).rejects.toMatchObject({ code: 'STATE_FULL' })
    await freed()
    await expect(findRotation(state.db, 'one')).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
    expect(await readJournal(state.db, 'one')).toEqual([])
    await openOne(state, 'one')
  })
})

describe('on a disk that is full', () => {
  it('a lease is refused with STATE_FULL like everything that has to be on disk first', async () => {
    const disk = smallDisk('2m')
    const { state, full } = disk === undefined ? await limitedByPages() : {
      state: await freshState(disk.folder),
      full: () => { disk.fill() },
    }
    await openOne(state, 'one')
    const held = await take(state, 'one')
    await full()
    // Renewing changes a page that is there: it may go through, but never with another error than that the disk is full.
    const codes: unknown[] = []
    for (let time = 0; time < 200; time += 1) {
      const answers = await Promise.allSettled(
        [
          renew(state.db, held, Date.now() + time),
          claim(state.db, 'one', `owner ${'x'.repeat(20_000)}`, () => Date.now() + 1e12 * time, () => true).then(() => undefined),
        ]
      )
      codes.push(
        ...answers.flatMap((answer) => (answer.status === 'rejected' ? [(answer.reason as { code?: unknown }).code] : []))
      )
    }
    expect(codes.filter((code) => code !== 'STATE_FULL' && code !== 'FENCED')).toEqual([])
    expect(codes).toContain('STATE_FULL')
  })

  it('a new state is refused with STATE_FULL, and made when there is space', async () => {
    const disk = smallDisk('1m')
    const folder = join(disk?.folder ?? tempFolder(), 'state')
    const identityFile = join(tempFolder(), 'identity')
    disk?.fill()
    // Where no disk can be mounted, what the system would say stands for it.
    const said = stateError(Object.assign(new Error('write'), { code: 'ENOSPC' }))
    const first = disk === undefined ? Promise.reject(said) : openState(folder, identityFile, true)
    await expect(first).rejects.toMatchObject({ code: 'STATE_FULL' })
    disk?.free()
    const state = await openState(folder, identityFile, true)
    await openOne(state, 'one')
    await state.close()
  })
})

describe('an error of the state', () => {
  it.each([
    ['database or disk is full', 'STATE_FULL'], ['disk I/O error', 'STATE_FULL'], [
      'attempt to write a readonly database',
      'STATE_FULL',
    ], ['unable to open database file', 'STATE_FULL'],
    ['database is locked', 'LOCKED'], ['something else', 'INTERNAL'],
  ])('%s is %s in keyturn\'s words, without the words of the library', (message, code) => {
    const error = stateError(Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR' }))
    expect(error).toMatchObject({ code, cause: { name: 'Error', code: 'ERR_SQLITE_ERROR' } })
    expect(stateError(error)).toBe(error)
  })
})
