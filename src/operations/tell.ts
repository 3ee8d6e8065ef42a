import type { Engine } from '../engine/engine.ts'
import type { Planner } from '../engine/rotate.ts'
import type { Event } from '../journal/event.ts'
import { KeyturnError, type Ms, type Notice, reduceCause } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { unbegunNotice } from '../notices/of-time.ts'
import { deliver } from '../outbox/deliver.ts'
import { addressed, noticesIn } from '../outbox/derive.ts'
import { forgetNotices, putNotices } from '../outbox/outbox.ts'
import type { Memory } from './standing.ts'
import type { Watcher } from './follow.ts'

/** What telling works with. */
export interface Telling extends Planner, Pick<Engine, 'state' | 'sleep'> {
  /** Told that people cannot be told; that is all that comes of it. */
  readonly notice?: (text: string) => void
}

/** At the end of a command people are told within this time, or later by another run. */
export const BUDGET_MS: Ms = 3_000

/** While a worker runs: how often it looks for what is to be sent again. */
const TURN_MS: Ms = 2_000

/** And how often for what nobody has told: a killed run's news, what the time brings. */
const SWEEP_MS: Ms = 60_000

/** After these a rotation stands or is over: people are told while it waits. */
const WORTH: ReadonlySet<Event['type']> = new Set<Event['type']>(['wait-started', 'gate-held', 'rotation-paused', 'task-reminded', 'rotation-closed'])

/**
 * Tells people what happened to the rotations of one run, best effort: nothing waits for it but the end of the process, for some
 * seconds, and nothing fails by it. It reads the journals again beside the engine, so that the engine does not know of it. Does nothing
 * where the manifest has no notifiers.
 */
export class Teller {
  readonly #telling: Telling
  readonly #manifest: Manifest
  /** Rotations with entries that nobody has told yet. */
  readonly #touched = new Set<string>()
  readonly #found: Notice[] = []
  readonly #memory: Memory = new Map()
  /** Ends deliveries that are under way. */
  readonly #over = new AbortController()
  #underway: Promise<void> = Promise.resolve()
  #busy = false
  /** While it goes on by itself: ends its sleep. */
  #wake: AbortController | undefined

  constructor(telling: Telling, manifest: Manifest) {
    this.#telling = telling
    this.#manifest = manifest
  }

  get #silent(): boolean {
    return this.#manifest.notifiers === undefined
  }

  /** A watcher of a run that hears what there is to tell. */
  watching(watcher: Watcher): Watcher {
    if (this.#silent) return watcher
    return {
      ...watcher,
      onEvent: (rotation, event, progress) => {
        this.#touched.add(rotation)
        if (WORTH.has(event.type)) this.#soon()
        watcher.onEvent?.(rotation, event, progress)
      },
    }
  }

  /** A rotation of this secret could not begin. Another name is none of its business. */
  unbegun(secret: string, error: KeyturnError): void {
    const spec = this.#manifest.secrets[secret]
    if (this.#silent || spec === undefined) return
    this.#found.push(unbegunNotice({ secret, ...(spec.owner === undefined ? {} : { owner: spec.owner }) }, error, this.#manifest, this.#telling.now()))
    this.#soon()
  }

  /** Tells while a worker works, what was left untold and what the time brings, too. */
  async during<T>(body: () => Promise<T>): Promise<T> {
    if (this.#silent) return body()
    const stop = new AbortController()
    this.#underway = this.#keepOn(stop.signal).catch((thrown: unknown) => this.#trouble(thrown))
    try {
      return await body()
    } finally {
      stop.abort()
      this.#wake = undefined
    }
  }

  /** Tells the rest. Takes as long as its budget at most; an interrupted run only puts down what others are to send. */
  async finish(interrupted: boolean): Promise<void> {
    if (this.#silent) return
    const until = this.#telling.now() + (interrupted ? 0 : BUDGET_MS)
    const timer = setTimeout(() => this.#over.abort(), interrupted ? 0 : BUDGET_MS)
    await this.#underway
    if (this.#touched.size + this.#found.length > 0) await this.#turn(until)
    clearTimeout(timer)
  }

  #soon(): void {
    if (this.#wake !== undefined) return this.#wake.abort()
    if (this.#busy) return
    this.#busy = true
    this.#underway = this.#turn(this.#telling.now() + BUDGET_MS).then(() => {
      this.#busy = false
    })
  }

  async #keepOn(stop: AbortSignal): Promise<void> {
    const { now, sleep } = this.#telling
    let sweptAt = Number.NEGATIVE_INFINITY
    do {
      const wake = new AbortController()
      this.#wake = wake
      const sweeps = now() - sweptAt >= SWEEP_MS
      if (sweeps) sweptAt = now()
      await this.#turn(now() + SWEEP_MS, sweeps)
      await sleep(TURN_MS, AbortSignal.any([stop, wake.signal]))
    } while (!stop.aborted)
  }

  /** Puts down what there is to tell, and sends what is due. Never throws. */
  async #turn(until: number, sweeps = false): Promise<void> {
    const { state, now } = this.#telling
    try {
      if (sweeps) await this.#sweep()
      const notices = this.#found.splice(0)
      for (const rotation of this.#touched) {
        this.#touched.delete(rotation)
        notices.push(...(await this.#news(rotation)))
      }
      const at = await state.clock()
      await putNotices(state.db, addressed(this.#manifest, notices, at), at)
      if (now() < until) await deliver({ ...this.#telling, interrupt: this.#over.signal }, this.#manifest, until)
    } catch (thrown) {
      this.#trouble(thrown)
    }
  }

  async #sweep(): Promise<void> {
    const { state } = this.#telling
    const at = await state.clock()
    await forgetNotices(state.db, at)
    // Only a worker looks at calendars: no other command should pay for them.
    const { standingNotices } = await import('./standing.ts')
    const { notices, touched } = await standingNotices(state.db, this.#manifest, this.#memory, at)
    this.#found.push(...notices)
    for (const rotation of touched) this.#touched.add(rotation)
  }

  /** One whose journal cannot be believed keeps nobody from being told of the others. */
  async #news(rotation: string): Promise<readonly Notice[]> {
    try {
      const notices = await noticesIn(this.#telling.state.db, rotation)
      this.#memory.set(rotation, { ...this.#memory.get(rotation), ...(notices.at(-1) === undefined ? {} : { last: notices.at(-1) as Notice }) })
      return notices
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError) || thrown.code !== 'JOURNAL_BROKEN') throw thrown
      this.#trouble(thrown)
      return []
    }
  }

  #trouble(thrown: unknown): void {
    const why = thrown instanceof KeyturnError ? `${thrown.code} ${thrown.message}` : reduceCause(thrown).name
    this.#telling.notice?.(`Nobody could be told: ${why}`)
  }
}
