import { type Code, KeyturnError } from '../kit/index.ts'
import { isEffect, type Step, type Why } from '../plan/step.ts'
import type { Claim } from '../state/journal.ts'
import { claim as claimRotation, LEASE_MS, release, renew, type Taken } from '../state/lease.ts'
import { Attempts } from './attempt.ts'
import { openCast, type Cast } from '../steps/cast.ts'
import { decideFrom, type Next, PASSING } from './decide.ts'
import type { Engine } from './engine.ts'
import type { Event, Result } from '../journal/event.ts'
import { readPause } from '../state/pause.ts'
import { Recorder } from './recorder.ts'
import { Values } from '../steps/values.ts'

/** Where a run of a rotation stopped. */
export type Stopped =
  | { readonly is: 'closed'; readonly result: Result; readonly code?: Code; readonly about?: string }
  /** `again` is when to drive it next: before `until` where the wait is watched. */
  | { readonly is: 'waiting'; readonly until: number; readonly again: number; readonly why: Why | 'gate' | 'provider' | 'sealer' | 'campaign'; readonly about: string }
  | { readonly is: 'person'; readonly code: Code; readonly about: string; readonly task: boolean }
  | { readonly is: 'interrupted' }

export interface DriveOptions {
  /** The stores and consumers that the manifest names now. */
  readonly manifestKeys?: readonly string[]
  /** There is a manifest, and it no longer has the secret: then nobody knows who uses it now, and no gate opens. */
  readonly outOfManifest?: boolean
  /** What others with which it was begun have to say before a step: what is to be written down first, or why it waits for them. */
  readonly barrier?: (progress: Recorder['progress'], step: Step) => Promise<Event | string | undefined>
}

/** A wait that ends this soon is slept through instead of given back. */
const SHORT_MS = 50

/** A sealer that cannot be asked is asked again so much later. */
const SEALER_AGAIN_MS = 5_000

/** What waits for others is looked at again so much later. */
const BARRIER_AGAIN_MS = 1_000

/** In the undo window it is looked this often whether somebody still wants the old credential: a twentieth of it, one second to one minute. */
function guardEvery(undo: number): number {
  return Math.min(60_000, Math.max(1_000, undo / 20))
}

/**
 * Takes one rotation and carries it on to where nothing can be done now: it is closed, it waits for a time, or for a person.
 * Safe to call at any time by any process: it decides from the journal alone. Throws LOCKED when another run holds the
 * rotation, FENCED when one took over meanwhile, and whatever makes the state unusable.
 */
export async function drive(engine: Engine, rotation: string, options: DriveOptions = {}): Promise<Stopped> {
  const { leaseMs = LEASE_MS } = engine
  const taken = await claimRotation(engine.state.db, rotation, engine.owner, engine.state.clock, engine.isDead, leaseMs)
  const lost = new AbortController()
  const paused = new AbortController()
  const heartbeat = setInterval(() => {
    // Only another owner ends this run by it; a state that cannot be written ends it at its next append, with its own words.
    keep(engine, taken.claim, leaseMs, paused).catch((thrown: unknown) => {
      if (thrown instanceof KeyturnError && thrown.code === 'FENCED') lost.abort()
    })
  }, leaseMs / 3)
  heartbeat.unref()
  let [run, again]: [Run | undefined, number | undefined] = [undefined, undefined]
  try {
    run = await Run.open(engine, taken, lost.signal, options)
    await refusePaused(engine, run)
    return await run.toTheEnd(paused.signal, options.barrier)
  } catch (thrown) {
    if (!(thrown instanceof SealerAway)) throw thrown
    again = engine.now() + SEALER_AGAIN_MS
    return { is: 'waiting', until: again, again, why: 'sealer', about: thrown.message }
  } finally {
    clearInterval(heartbeat)
    await run?.close()
    await release(engine.state.db, taken.claim, again ?? run?.again)
  }
}

/** What lies sealed cannot be opened now: nothing is gone on with, and nothing is lost. */
class SealerAway extends Error {}

/** Holds on to the lease, and hears of a pause. */
async function keep({ state }: Engine, held: Claim, leaseMs: number, paused: AbortController): Promise<void> {
  await renew(state.db, held, await state.clock(), leaseMs)
  if ((await readPause(state.db)) !== undefined) paused.abort()
}

/** Throws PAUSED while the state is, for all but a way back. */
async function refusePaused({ state }: Engine, run: Run): Promise<void> {
  const pause = run.goesBack ? undefined : await readPause(state.db)
  if (pause !== undefined) throw new KeyturnError('PAUSED', `by ${pause.by}: ${pause.reason}`)
}

/** One owner's run of one rotation. */
class Run {
  readonly #engine: Engine
  readonly #claim: Claim
  readonly #recorder: Recorder
  readonly #attempts: Attempts
  readonly #cast: Cast
  readonly #lost: AbortSignal
  #again: number | undefined

  private constructor(engine: Engine, held: Claim, recorder: Recorder, attempts: Attempts, cast: Cast, lost: AbortSignal) {
    this.#engine = engine
    this.#claim = held
    this.#recorder = recorder
    this.#attempts = attempts
    this.#cast = cast
    this.#lost = lost
  }

  static async open(engine: Engine, taken: Taken, lost: AbortSignal, options: DriveOptions): Promise<Run> {
    const held = taken.claim
    const recorder = await Recorder.open(engine, held, taken.predecessor, taken.before)
    const { plan } = recorder.progress
    const host = engine.host(plan.base)
    const values = await Values.open(engine, held.rotation, plan, host).catch((thrown: unknown) => {
      throw thrown instanceof KeyturnError && PASSING.has(thrown.code) ? new SealerAway(thrown.message) : thrown
    })
    const cast = await openCast(plan, engine.registry, host)
    return new Run(engine, held, recorder, new Attempts({ engine, claim: held, recorder, values, cast, lost, options }), cast, lost)
  }

  /** When it wants to be looked at before its wait is over; undefined when only then. */
  get again(): number | undefined {
    return this.#again
  }

  close(): Promise<void> {
    return this.#cast.close()
  }

  /** Whether it goes back, or is about to. */
  get goesBack(): boolean {
    const { direction, turnRequested } = this.#recorder.progress
    return direction === 'back' || turnRequested !== undefined
  }

  async toTheEnd(paused: AbortSignal, barrier: DriveOptions['barrier']): Promise<Stopped> {
    while (true) {
      // The step at hand is on disk: what follows it waits for the end of the pause.
      if (paused.aborted) await refusePaused(this.#engine, this)
      if (this.#lost.aborted) throw new KeyturnError('FENCED', this.#claim.rotation)
      if (this.#engine.interrupt.aborted) return { is: 'interrupted' }
      const next = decideFrom(this.#recorder.progress, this.#engine.now())
      const first = next.do === 'attempt' ? await barrier?.(this.#recorder.progress, next.step) : undefined
      if (typeof first === 'string') return { is: 'waiting', until: (this.#again = this.#engine.now() + BARRIER_AGAIN_MS), again: this.#again, why: 'campaign', about: first }
      const stopped = first === undefined ? await this.#follow(next) : void (await this.#recorder.write(first))
      if (stopped !== undefined) return stopped
    }
  }

  /** Does what was decided; answers where to stop, or undefined to decide again. */
  async #follow(next: Next): Promise<Stopped | undefined> {
    const { progress } = this.#recorder
    switch (next.do) {
      case 'attempt':
        await (isEffect(next.step) ? this.#attempts.effect(next.step, next.attempt) : this.#attempts.look(next.step, next.attempt))
        return undefined
      case 'settle':
        await this.#attempts.settle(next.step, next.attempt, next.notLateAfter + this.#skew())
        return undefined
      case 'begin-wait':
        await this.#recorder.write({ type: 'wait-started', step: next.step.id, until: next.until })
        return undefined
      case 'sleep':
        return this.#sleep(next)
      case 'turn':
        await this.#recorder.write({ type: 'direction-turned', code: next.code, about: next.about })
        return undefined
      case 'remind':
        await this.#recorder.write({ type: 'task-reminded', step: next.step.id })
        return undefined
      case 'pause':
        await this.#recorder.write({ type: 'rotation-paused', step: next.step.id, code: next.code, about: next.about })
        return undefined
      case 'stay':
        return { is: 'person', code: next.code, about: next.about, task: progress.asked !== undefined }
      case 'close':
        await this.#close(next)
        return undefined
      case 'finished':
        return { is: 'closed', ...(progress.closed ?? { result: 'done' }) }
    }
  }

  /** By how much the clock of the machine that wrote the open intent, and its deadline, may differ from ours. */
  #skew(): number {
    const { open, fence } = this.#recorder.progress
    return open === undefined || open.fence === fence || open.ownerGone ? 0 : this.#engine.state.skew
  }

  async #sleep(next: Next & { do: 'sleep' }): Promise<Stopped | undefined> {
    const { held } = this.#recorder.progress
    const left = next.until - this.#engine.now()
    if (next.why === 'undo' && (await this.#attempts.guard(next.step))) return undefined
    if (next.why !== 'retry' && left > SHORT_MS) {
      const again = next.why === 'undo' ? Math.min(next.until, this.#engine.now() + guardEvery(this.#recorder.progress.plan.timing.undo)) : next.until
      if (again < next.until) this.#again = again
      return { is: 'waiting', until: next.until, again, why: next.why, about: next.why === 'gate' || next.why === 'provider' ? (held?.reasons ?? []).join('; ') : next.step.id }
    }
    await this.#engine.sleep(left, AbortSignal.any([this.#engine.interrupt, this.#lost]))
    return undefined
  }

  async #close(next: Next & { do: 'close' }): Promise<void> {
    const { result, code, about } = next
    const inherited = (this.#recorder.progress.plan.emergency?.inherits ?? []).flatMap(({ name }) => name ?? [])
    const wipe = [...(result === 'done' ? [] : ['new']), 'old', ...inherited]
    await this.#recorder.write(
      { type: 'rotation-closed', result, ...(code === undefined ? {} : { code }), ...(about === undefined ? {} : { about }) },
      { close: { result, wipe } },
    )
  }
}
