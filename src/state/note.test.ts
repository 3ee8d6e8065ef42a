import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { BACKENDS, entry, NOW } from '../../test/fixture/state.ts'
import { verifyChain } from './journal.ts'
import { readLedger } from './ledger.ts'
import { appendNote, readNotes } from './note.ts'
import { openState } from './open.ts'

const change = (fingerprint: string, state = 'presented') => ({ secretKey: 'atlas/staging/database', providerId: 'app', fingerprint, state })

describe.each(BACKENDS)('the notes of a state, on $name', ({ fresh }) => {
  it('are one chain, each in one transaction with what it changes in the ledger (X-07)', async () => {
    const state = await fresh()
    expect(await readNotes(state.db)).toMatchObject({ entries: [], head: { seq: 0 } })
    expect(await appendNote(state, entry(1), [change('kf:1')])).toBe(1)
    expect(await appendNote(state, entry(2))).toBe(2)
    expect(await appendNote(state, entry(3), [change('kf:1', 'gone'), change('kf:2')])).toBe(3)
    const { entries, head } = await readNotes(state.db)
    expect(entries.map(({ seq, at, body }) => [seq, at, body])).toEqual([[1, NOW + 1, { number: 1 }], [2, NOW + 2, { number: 2 }], [3, NOW + 3, { number: 3 }]])
    expect(verifyChain(entries, head)).toBeUndefined()
    const rows = await readLedger(state.db, 'atlas/staging/database')
    expect(rows.map(({ fingerprint, state: how, rotation }) => [fingerprint, how, rotation])).toEqual([['kf:2', 'presented', 'note:3'], ['kf:1', 'gone', 'note:3']])
  })

  it('have one order, however many write them at once, from however many processes', async () => {
    const state = await fresh()
    const other = await openState(state.place, state.identityFile)
    const written = await Promise.all(Array.from({ length: 12 }, (_, index) => appendNote(index % 2 === 0 ? state : other, entry(index), [change(`kf:${index}`)])))
    await other.close()
    expect(written.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
    const { entries, head } = await readNotes(state.db)
    expect(verifyChain(entries, head)).toBeUndefined()
    expect(await readLedger(state.db, 'atlas/staging/database')).toHaveLength(12)
  })

  it('and the ledger are as they were when the transaction fails', async () => {
    const state = await fresh()
    await appendNote(state, entry(1))
    const broken = { ...change('kf:1'), state: null as unknown as string }
    await expect(appendNote(state, entry(2), [change('kf:0'), broken])).rejects.toBeInstanceOf(Error)
    const { entries, head } = await readNotes(state.db)
    expect([entries.length, head.seq]).toEqual([1, 1])
    expect(await readLedger(state.db, 'atlas/staging/database')).toEqual([])
  })

  it.each([
    ['edited', `update note set body = replace(body, '"number":2', '"number":9') where seq = 2`, /entry 2 was changed/],
    ['moved in time', 'update note set at = at + 1 where seq = 2', /entry 2 differs from its columns/],
    ['taken away', 'delete from note where seq = 2', /entry 2 is missing/],
    ['dropped at the end', 'delete from note where seq = 3', /the head says 3 entries, there are 2/],
    ['given another end', `update meta set value = '3 ' || substr(value, 4) where key = 'notes'; update meta set value = replace(value, 'a', 'b') where key = 'notes'`, /the head is another one/],
  ])('do not verify once one was %s', async (_, statements, says) => {
    const state = await fresh()
    for (const number of [1, 2, 3]) await appendNote(state, entry(number))
    for (const statement of statements.split('; ')) await sql.raw(statement).execute(state.db)
    const { entries, head } = await readNotes(state.db)
    expect(verifyChain(entries, head)).toMatch(says)
  })
})
