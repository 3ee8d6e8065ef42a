import type { Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Written } from './commit.ts'
import { appendStatements, chain, type Entry, GENESIS, type LedgerChange, readStored, storedBytes, type StoredEntry } from './journal.ts'
import { stateError } from './error.ts'
import { stillHere } from './moved.ts'
import type { State } from './open.ts'
import type { Tables } from './schema.ts'

/** Under this key of `meta` stands the head of the chain: its number and its hash. */
const HEAD = 'notes'

/** So often the head is read again after somebody else has moved it: each time one of the others is done, so it is for dozens at once. */
const TRIES = 100

/** The notes of a state with the head that they have to end with. */
export interface Notes {
  readonly entries: readonly StoredEntry[]
  readonly head: { readonly seq: number; readonly hash: string }
}

/** Another run was quicker. */
class Moved extends Error {}

/**
 * Writes down what somebody did beside rotations, and what it changes in the ledger, in one durable transaction: one chain for the
 * whole state, like that of a journal. In the ledger its rows stand under `note:SEQ`; `more` is written together with it. Answers with
 * its number. Throws LOCKED when others write all the time, and what makes the state unusable; then nothing is written.
 */
export async function appendNote(state: Pick<State, 'db' | 'commit'>, entry: Entry, ledger: readonly LedgerChange[] = [], more: readonly Written[] = []): Promise<number> {
  const { record } = appendStatements(state.db)
  for (let left = TRIES; left > 0; left -= 1) {
    const before = await readHead(state.db)
    const seq = before.seq + 1
    const body = storedBytes(seq, entry)
    const hash = chain(before.hash, body)
    const statements: Written[] = [
      stillHere(state.db),
      { query: moveHead(state.db, before.text, `${seq} ${hash}`), unless: () => new Moved() },
      { query: state.db.insertInto('note').values({ seq, type: entry.type, at: entry.at, body, hash }).compile() },
      ...ledger.map((change) => ({ query: record({ ...change, rotation: `note:${seq}`, at: entry.at }) })),
      ...more,
    ]
    try {
      await state.commit(statements)
      return seq
    } catch (thrown) {
      if (!(thrown instanceof Moved)) throw stateError(thrown)
    }
  }
  throw new KeyturnError('LOCKED', 'other runs write notes all the time')
}

/** Compare and set, on any database: of two that saw the same head one changes no row. */
function moveHead(db: Kysely<Tables>, from: string | undefined, to: string): Written['query'] {
  if (from === undefined) return db.insertInto('meta').values({ key: HEAD, value: to }).onConflict((conflict) => conflict.doNothing()).compile()
  return db.updateTable('meta').set({ value: to }).where('key', '=', HEAD).where('value', '=', from).compile()
}

async function readHead(db: Kysely<Tables>): Promise<Notes['head'] & { readonly text?: string }> {
  const text = (await db.selectFrom('meta').select('value').where('key', '=', HEAD).executeTakeFirst())?.value
  if (text === undefined) return { seq: 0, hash: GENESIS }
  const [seq = '', hash = ''] = text.split(' ')
  return { seq: Number(seq), hash, text }
}

/** All notes, oldest first, as they and their head were at one moment; verifying them is for `verifyChain`. */
export async function readNotes(db: Kysely<Tables>): Promise<Notes> {
  let head = await readHead(db)
  for (let left = TRIES; ; left -= 1) {
    const rows = await db.selectFrom('note').selectAll().orderBy('seq').execute()
    const after = await readHead(db)
    if (after.text === head.text || left === 0) return { entries: rows.map(readStored), head: { seq: after.seq, hash: after.hash } }
    head = after
  }
}
