import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BACKENDS, entry, freshState, openOne, take } from '../../test/fixture/state.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Secret } from '../kit/secret.ts'
import { ageSealer } from '../sealing/age.ts'
import { checkState } from './check.ts'
import { append } from '../state/journal.ts'
import { openState, type State, STATE_FILE } from '../state/open.ts'
import { seal } from '../sealing/seal.ts'

async function withSealed(state: State): Promise<ReturnType<typeof ageSealer>> {
  if (state.identity === undefined) throw new Error('no identity')
  const sealer = ageSealer(state.identity)
  await openOne(state, 'one')
  const credential = { id: 'app', fields: { password: new Secret(generate(ALNUM, 32)) } }
  const sealed = await seal(credential, { rotation: 'one', name: 'new', secret: 'atlas/staging/database' }, sealer)
  await append(state, await take(state, 'one'), [entry(2)], { sealed: { new: sealed } })
  return sealer
}

describe.each(BACKENDS)('a look at a state, on $name', ({ fresh }) => {
  it('finds nothing in one that is sound, and opens what is sealed when it can', async () => {
    const state = await fresh()
    const sealer = await withSealed(state)
    expect(await checkState(state, sealer)).toEqual({ readable: true, opened: 1, problems: [], notices: [] })
    expect(await checkState(state)).toEqual({ readable: true, opened: 0, problems: [], notices: [] })
  })

  it('finds a sealed value that was changed', async () => {
    const state = await fresh()
    const sealer = await withSealed(state)
    const [row] = await state.db.selectFrom('sealed').selectAll().execute()
    const ciphertext = Uint8Array.from(row?.ciphertext ?? [])
    ciphertext[ciphertext.length - 1] = (ciphertext.at(-1) ?? 0) ^ 1
    await state.db.updateTable('sealed').set({ ciphertext }).execute()
    expect((await checkState(state, sealer)).problems).toEqual(['a sealed value does not authenticate: new of one'])
  })

  it('finds an index that says another thing than the journal', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    await openOne(state, 'two')
    await sql`update rotation set result = 'done' where id = 'two'`.execute(state.db)
    expect((await checkState(state)).problems).toEqual(['two: the index says that it is done, the journal does not'])
  })
})

describe('a look at a state in a file', () => {
  it('finds rows that belong to no rotation', async () => {
    const state = await freshState()
    await withSealed(state)
    const raw = new DatabaseSync(join(state.folder, STATE_FILE), { enableForeignKeyConstraints: false })
    raw.exec(`delete from rotation where id = 'one'`)
    raw.close()
    expect((await checkState(state)).problems).toEqual(['2 rows of event belong to no rotation', '1 rows of sealed belong to no rotation'])
  })

  it('finds a page that was damaged', async () => {
    const state = await freshState()
    for (let number = 0; number < 20; number += 1) await openOne(state, `r${number}`, { opened: entry(1, { text: 'x'.repeat(2_000) }) })
    await state.close()
    const file = join(state.folder, STATE_FILE)
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(64, 7), 0, 64, statSync(file).size - 4_096)
    closeSync(handle)
    const again = await openState(state.folder, undefined)
    onTestFinished(() => again.close())
    expect(await checkState(again)).toMatchObject({ readable: false, problems: [expect.stringMatching(/^the file is damaged: /)] })
  })
})
