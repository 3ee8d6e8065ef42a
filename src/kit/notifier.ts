import type { Answer, Evidence } from './answer.ts'
import type { Call } from './call.ts'

/** How soon somebody has to look: never, when there is time, or now. */
export type Severity = 'info' | 'warning' | 'critical'

/** Something that people want to be told. Never holds a value: every text is in keyturn's own words, facts are numbers and labels. */
export interface Notice {
  /** The same whenever this notice is sent again, so that a receiver can drop what it has already. */
  readonly id: string
  /** What happened, noun and verb: `rotation-done`, `rotation-paused`, `task-asked`. Receivers sort by it. */
  readonly kind: string
  readonly severity: Severity
  /** From now on somebody has to do something about the secret, somebody does, or nobody has to any more; news when absent. */
  readonly trouble?: 'begun' | 'taken' | 'over'
  /** One line for people. */
  readonly title: string
  readonly facts: Evidence
  /** Names from the manifest, and the rotation's id; absent where the notice is not about one. */
  readonly system: string
  readonly environment: string
  readonly secret?: string
  readonly owner?: string
  readonly rotation?: string
  /** When it happened, unix ms. */
  readonly at: number
  /** What to do now and whom to ask: keyturn's own hint, and what the manifest says under `escalation`. */
  readonly advice?: { readonly actions: readonly string[]; readonly contacts: readonly string[]; readonly link?: string }
}

/**
 * Tells people or machines. Best effort: nothing waits for it, no rotation depends on it, and a receiver may get one twice.
 * No method throws for what the outside does; it answers.
 */
export interface Notifier {
  /** For plans and messages; shows no secret. */
  title(): string
  /**
   * Sends it once. Done when the receiver says that it has it, and when it is none for this receiver by its configuration; may be
   * repeated, with the same id. `refused` REQUEST_REFUSED when the receiver will never take this very notice.
   */
  notify(notice: Notice, call: Call): Promise<Answer<void>>
}
