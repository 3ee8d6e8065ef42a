import type { Event, TimedEvent } from '../journal/event.ts'
import { assertInvariants } from '../journal/invariants.ts'
import { advance, foldProgress, type Progress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { resourceOf, stepOf } from '../journal/steps.ts'
import type { Ms } from '../kit/index.ts'
import { append, type Claim, type Entry, type Together } from '../state/journal.ts'
import type { Predecessor } from '../state/lease.ts'
import type { Engine } from './engine.ts'

function toEntry({ type, at, ...body }: TimedEvent): Entry {
  return { type, at, body }
}

/** Writes the journal of a rotation that this process holds, and keeps the fold of it. */
export class Recorder {
  readonly events: TimedEvent[]
  progress: Progress
  readonly #engine: Engine
  readonly #claim: Claim
  #dueAt: number | null

  /** That this owner took it is written together with its first event: a look that changes nothing leaves no trace. */
  #unwritten: TimedEvent[]

  private constructor(engine: Engine, held: Claim, events: TimedEvent[], dueAt: number | null, predecessor: Predecessor) {
    this.#engine = engine
    this.#claim = held
    this.events = events
    this.#dueAt = dueAt
    this.#unwritten = [{ type: 'rotation-claimed', by: engine.owner, fence: held.fence, predecessor, at: engine.now() }]
    this.progress = this.#unwritten.reduce(advance, foldProgress(events))
  }

  /** Takes over a journal; the claim has to be this process's. `before` is the fence of the owner before it. */
  static async open(engine: Engine, held: Claim, predecessor: Predecessor, before: number): Promise<Recorder> {
    const { events, dueAt } = await readEvents(engine, held.rotation)
    const last = events.findLast((event) => event.type === 'rotation-claimed')
    // One that took it and wrote nothing is gone: that says nothing of the one that wrote last.
    const silent = last?.type === 'rotation-claimed' && last.fence !== before
    return new Recorder(engine, held, events, dueAt, predecessor === 'dead' && silent ? 'expired' : predecessor)
  }

  /** Head of the chain. */
  get head(): { readonly seq: number; readonly head: string } {
    return { seq: this.#claim.seq, head: this.#claim.head }
  }

  /** Appends one event, durably, with what belongs to it. Throws FENCED when another owner has taken over, LOCKED
   * when another rotation holds the store or the consumer of the step that begins. */
  async write(event: Event, together: Omit<Together, 'dueAt' | 'waitsFor' | 'holds'> = {}): Promise<void> {
    const at = this.#engine.now()
    const timed: TimedEvent = { ...event, at }
    const written = [...this.#unwritten, timed]
    const progress = advance(this.progress, timed)
    const index = this.#index(timed, progress)
    await append(this.#engine.state, this.#claim, written.map(toEntry), { ...together, ...index, ...holdOf(progress, timed, this.#engine.state.skew) })
    if (index.dueAt !== undefined) this.#dueAt = index.dueAt
    this.#unwritten = []
    this.progress = progress
    for (const each of written) {
      this.events.push(each)
      if (this.#engine.debug === true) assertInvariants(this.events)
      this.#engine.onEvent(this.#claim.rotation, each, this.progress)
    }
  }

  /** When the rotation wants to go on, for the due scan: kept only when it changes. */
  #index(event: TimedEvent, { asked }: Progress): Pick<Together, 'dueAt' | 'waitsFor'> {
    switch (event.type) {
      case 'wait-started':
        return { dueAt: event.until, waitsFor: event.step }
      case 'gate-held':
        return { dueAt: event.retryAt, waitsFor: event.reasons[0] ?? 'gate' }
      case 'rotation-paused':
        return { dueAt: asked?.remindAt ?? null, waitsFor: asked === undefined ? `a person: ${event.code}` : `a task: ${asked.task.title}` }
      case 'task-reminded':
        return { dueAt: asked?.remindAt ?? null }
      // A claim by itself changes nothing: the wait that it finds goes on.
      case 'rotation-claimed':
      case 'rotation-closed':
        return {}
      default:
        // Of several receivers some are still to answer: the time at which people are told again stays.
        return this.#dueAt === 0 || asked?.task.receivers !== undefined ? {} : { dueAt: 0, waitsFor: null }
    }
  }
}

/** Locks are held for one write or one reload: from its intent until its outcome is known. */
function holdOf({ plan, open }: Progress, event: Event, skew: Ms): Pick<Together, 'holds'> {
  const resource = open === undefined ? undefined : resourceOf(plan, stepOf(plan, open.step))
  if (open === undefined || resource === undefined) return {}
  return { holds: { resource, until: open.deadline + plan.traits.settle + skew, begins: event.type === 'intent-recorded' } }
}
