import type { Kysely } from 'kysely'
import { appendNote } from './note.ts'
import type { State } from './open.ts'
import type { Tables } from './schema.ts'

const PAUSED = 'state-paused'
const CONTINUED = 'state-continued'

/** Who stopped all rotations of a state, and why. */
export interface Pause {
  readonly by: string
  readonly reason: string
  /** Unix ms. */
  readonly at: number
}

/** The pause that holds now; undefined when there is none. */
export async function readPause(db: Kysely<Tables>): Promise<Pause | undefined> {
  const last = await db.selectFrom('note').select(['type', 'at', 'body']).where('type', 'in', [PAUSED, CONTINUED]).orderBy('seq', 'desc').limit(1).executeTakeFirst()
  if (last?.type !== PAUSED) return undefined
  const { by, reason } = JSON.parse(last.body) as Pause
  return { by, reason, at: last.at }
}

/** From now on no rotation of the state goes on, but back (`abort`, `undo`). Answers false when it was paused already. */
export async function pauseState(state: Pick<State, 'db' | 'commit'>, { by, reason, at }: Pause): Promise<boolean> {
  if ((await readPause(state.db)) !== undefined) return false
  await appendNote(state, { type: PAUSED, at, body: { by, reason } })
  return true
}

/** Ends the pause. Answers false when there was none. */
export async function continueState(state: Pick<State, 'db' | 'commit'>, { by, at }: Omit<Pause, 'reason'>): Promise<boolean> {
  if ((await readPause(state.db)) === undefined) return false
  await appendNote(state, { type: CONTINUED, at, body: { by } })
  return true
}
