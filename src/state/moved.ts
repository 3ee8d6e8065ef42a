import type { Expression, Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Written } from './commit.ts'
import type { Tables } from './schema.ts'

/** Under these keys of `meta` stands where the state went ('' while it is here), and the move by which it is just arriving. */
const MOVED = 'moved'
const ARRIVING = 'arriving'

/** A move to another place; nothing is changed in a state from when it begins. */
export interface Move {
  /** The name of the place, without credentials. */
  readonly to: string
  /** Names this move, at both ends. */
  readonly token: string
  /** Everything is there; before that the move may be begun again, to wherever. */
  readonly done: boolean
}

/** Where a state stands in moves; empty for one that is simply there. */
export interface Moves {
  readonly moved?: Move
  /** The token of a move whose end this state is, before it is over. */
  readonly arriving?: string
}

/** Reads it. */
export async function readMoves(db: Kysely<Tables>): Promise<Moves> {
  const rows = await db.selectFrom('meta').selectAll().where('key', 'in', [MOVED, ARRIVING]).execute()
  const { moved = '', arriving } = Object.fromEntries(rows.map((row) => [row.key, row.value]))
  return { ...(moved === '' ? {} : { moved: JSON.parse(moved) as Move }), ...(arriving === undefined ? {} : { arriving }) }
}

/** Throws STATE_MOVED when nothing may be changed in this state any more, or not yet. */
export function refuseMoved({ moved, arriving }: Moves): void {
  if (moved?.done === true) throw new KeyturnError('STATE_MOVED', `it is at ${moved.to} now`)
  const hint = 'Run the same `keyturn state copy` again: it begins anew, or ends what was left. See docs/state.md.'
  if (moved !== undefined) throw new KeyturnError('STATE_MOVED', `its copy to ${moved.to} is under way, or was cut short`, { hint })
  if (arriving !== undefined) throw new KeyturnError('STATE_MOVED', 'its copy to this place is under way, or was cut short', { hint })
}

/** For a commit that begins something: it fails when the state was moved, and a move that begins now waits for it. With `unless`, also when that selects something. */
export function stillHere(db: Kysely<Tables>, unless?: Expression<unknown>): Written {
  const here = db.updateTable('meta').set({ value: '' }).where('key', '=', MOVED).where('value', '=', '')
  const query = (unless === undefined ? here : here.where(({ exists, not }) => not(exists(unless)))).compile()
  return { query, unless: () => new KeyturnError('STATE_MOVED') }
}

/**
 * Puts one move in the place of another one (or of none), if that is still what stands there; answers whether it was. Whoever begins
 * something meanwhile waits until the transaction ends.
 */
export async function replaceMove(tx: Kysely<Tables>, before: Move | undefined, after: Move | undefined): Promise<boolean> {
  const result = await tx.updateTable('meta').set({ value: textOf(after) }).where('key', '=', MOVED).where('value', '=', textOf(before)).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

function textOf(move: Move | undefined): string {
  return move === undefined ? '' : JSON.stringify({ to: move.to, token: move.token, done: move.done })
}

/** Marks a state as the end of a move, or ends that. */
export async function writeArriving(tx: Kysely<Tables>, token: string | undefined): Promise<void> {
  await tx.deleteFrom('meta').where('key', '=', ARRIVING).execute()
  if (token !== undefined) await tx.insertInto('meta').values({ key: ARRIVING, value: token }).execute()
}
