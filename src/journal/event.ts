import type { Code, Evidence, TaskRequest } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'

/** Which way a rotation goes. It turns at most once, and never forward again (I9). */
export type Direction = 'forward' | 'back'

/** How a rotation ended. `superseded`: an emergency took its place, with everything that it left; `about` is the id of that rotation. */
export type Result = 'done' | 'rolled-back' | 'refused' | 'superseded'

/** A step did not get where it should. */
interface Failure {
  readonly step: string
  readonly attempt: number
  readonly code: Code
  /** In keyturn's own words; names, never values. */
  readonly about?: string
  readonly evidence?: Evidence
}

/** With what a rotation was begun: several secrets at once, of which those that share restarts wait for each other. */
export interface Membership {
  readonly campaign: string
  /** The ids of those that may share restarts, its own among them, in the order in which they are worked on. */
  readonly batch: readonly string[]
  /** One that does not come through does not stop the others. */
  readonly keepGoing?: true
}

/** Everything that a journal can say. Each is written after the fact, except intents, which are written before. */
export type Event =
  /** `adopted`: the ledger had never seen the value in use, and whoever asked for the rotation took it for the current one all the same. */
  | { readonly type: 'rotation-opened'; readonly rotation: string; readonly plan: Plan; readonly version: string; readonly by: string; readonly reason: string; readonly adopted?: true; readonly impactAccepted?: true; readonly given?: true; readonly member?: Membership }
  | { readonly type: 'rotation-claimed'; readonly by: string; readonly fence: number; readonly predecessor: 'none' | 'dead' | 'expired' }
  /** `id` is the label of the id that a mint of a chosen value gives: see name.ts. */
  | { readonly type: 'intent-recorded'; readonly step: string; readonly attempt: number; readonly deadline: number; readonly tag: string; readonly id?: string }
  | { readonly type: 'step-done'; readonly step: string; readonly attempt: number; readonly evidence: Evidence; readonly settled?: true }
  | ({ readonly type: 'step-refused' } & Failure)
  | ({ readonly type: 'step-unknown' } & Failure)
  /** An unknown was looked up and certainly did not happen; the step may be attempted again. */
  | { readonly type: 'step-absent'; readonly step: string; readonly attempt: number }
  | { readonly type: 'step-asked'; readonly step: string; readonly attempt: number; readonly task: TaskRequest }
  /** A person did what was asked; the fields of a mint are sealed with it, `id` is the label of its credential's id, `unproven` are the endpoints that gave no verdict on it then. */
  | { readonly type: 'task-answered'; readonly step: string; readonly attempt: number; readonly by: string; readonly id?: string; readonly unproven?: readonly string[] }
  /** Written before the value of the step leaves for one outside receiver: onto a terminal, into a file or to a command. */
  | { readonly type: 'value-handed'; readonly step: string; readonly attempt: number; readonly receiver: string; readonly by: string; readonly to: 'terminal' | 'file' | 'command' }
  /** A person says that an outside receiver took the value of the step. */
  | { readonly type: 'receiver-acknowledged'; readonly step: string; readonly attempt: number; readonly receiver: string; readonly by: string }
  | { readonly type: 'task-declined'; readonly step: string; readonly attempt: number; readonly by: string; readonly reason: string }
  | { readonly type: 'task-reminded'; readonly step: string }
  | { readonly type: 'wait-started'; readonly step: string; readonly until: number }
  /** `stale`: by an instance that proved to hold another credential than the one that stays. */
  | { readonly type: 'gate-held'; readonly step: string; readonly reasons: readonly string[]; readonly retryAt: number; readonly stale?: true }
  /** Before its first reload: these of its batch have their new values in their stores, so that a reload serves them as well. */
  | { readonly type: 'barrier-passed'; readonly with: readonly string[] }
  /** Another of its batch has reloaded this consumer after this one's values were in the stores. */
  | { readonly type: 'reload-shared'; readonly step: string; readonly by: string }
  | { readonly type: 'turn-requested'; readonly by: string; readonly why: 'abort' | 'undo' }
  | { readonly type: 'direction-turned'; readonly code: Code; readonly about: string }
  | { readonly type: 'rotation-paused'; readonly step: string; readonly code: Code; readonly about: string }
  | { readonly type: 'rotation-resumed'; readonly by: string }
  /** A named person answers for what cannot be seen: an instance by its name, `clock` or `usage`. */
  | { readonly type: 'acknowledged'; readonly what: string; readonly by: string; readonly reason: string }
  | { readonly type: 'rotation-closed'; readonly result: Result; readonly code?: Code; readonly about?: string }

/** An event with its time, unix ms, as it stands in a journal. */
export type TimedEvent = Event & { readonly at: number }
