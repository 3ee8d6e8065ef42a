import { describe, expect, it } from 'vitest'
import { BACKENDS, entry, openOne, take } from '../../test/fixture/state.ts'
import { committer, type Written } from './commit.ts'
import { append, readJournal } from './journal.ts'
import { findRotation } from './rotation.ts'

describe.each(BACKENDS)('a commit, on $name', ({ fresh }) => {
  it('an append waits for a transaction that this process has open, and is no part of it', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const other = state.db.transaction().execute(async (tx) => {
      await tx.updateTable('rotation').set({ waits_for: 'nobody' }).execute()
      begun.resolve()
      await end.promise
      throw new Error('rolled back')
    })
    await begun.promise
    const appended = append(state, held, [entry(2)])
    end.resolve()
    await expect(other).rejects.toThrow('rolled back')
    await appended
    expect(await readJournal(state.db, 'one')).toHaveLength(2)
    expect(await findRotation(state.db, 'one')).toMatchObject({ waits_for: null, seq: 2 })
  })

  it.each(['this state', 'any database'])('all statements are written, or none: by the commit of %s', async (whose) => {
    const state = await fresh()
    await openOne(state, 'one')
    const commit = whose === 'this state' ? state.commit : committer(state.db)
    const set = (id: string): Written => ({ query: state.db.updateTable('rotation').set({ waits_for: 'it' }).where('id', '=', id).compile(), unless: () => new Error(`no ${id}`) })
    await expect(commit([set('one'), set('two')])).rejects.toThrow('no two')
    expect(await findRotation(state.db, 'one')).toMatchObject({ waits_for: null })
    await commit([set('one')])
    expect(await findRotation(state.db, 'one')).toMatchObject({ waits_for: 'it' })
  })

  it('what is added and taken away by one is not there afterwards', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const sealed = { old: { ciphertext: Buffer.from('x'), mac: 'y' } }
    await append(state, held, [entry(2)], { sealed, close: { result: 'done', wipe: ['old'] } })
    expect(await state.db.selectFrom('sealed').selectAll().execute()).toEqual([])
    expect(await findRotation(state.db, 'one')).toMatchObject({ result: 'done', owner: null })
  })
})
