import type { TimedEvent } from '../journal/event.ts'
import type { Progress } from '../journal/progress.ts'
import type { Host, Registry } from '../kit/index.ts'
import type { Step } from '../plan/step.ts'
import type { State } from '../state/open.ts'
import type { Rehearsal } from './rehearsal.ts'

/** What the engine works with; everything that is not pure comes in here. */
export interface Engine {
  readonly state: State
  readonly registry: Registry
  /** Opens a host for a manifest's folder. */
  readonly host: (base: string) => Host
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly rehearsal: Rehearsal
  /** This process, unambiguously: see {@link ownerOf}. */
  readonly owner: string
  /** Whether the process behind an owner's name is certainly gone. */
  readonly isDead: (owner: string) => boolean
  /** How long a rotation stays this process's when it falls silent, ms; LEASE_MS when absent. */
  readonly leaseMs?: number
  /** The person or job in whose name it runs. */
  readonly by: string
  readonly version: string
  /** Ends the run after the step at hand is on disk. */
  readonly interrupt: AbortSignal
  /** Checks every invariant at every event, and stops before the next effect when one is broken. */
  readonly debug?: boolean
  /** Told of every event after it is on disk. Must not throw. */
  readonly onEvent: (rotation: string, event: TimedEvent, progress: Progress) => void
  /**
   * Told at every look, several a second, that an effect of an earlier run or try is not to be seen, and that it may still land until
   * then: so long nothing goes on. Must not throw.
   */
  readonly onLate?: (rotation: string, late: Late, progress: Progress) => void
}

/** An effect that may still land. */
export interface Late {
  readonly step: Step
  /** Unix ms, both: when it was looked, and from when on it cannot land any more. */
  readonly at: number
  readonly until: number
}
