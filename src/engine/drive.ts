import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Call, type Code, type Credential, type Evidence, KeyturnError, reduceCause, unknown } from '../kit/index.ts'
import type { Step } from '../plan/step.ts'
import { isEffect } from '../plan/step.ts'
import type { Claim, Together } from '../state/journal.ts'
import { claim as claimRotation, LEASE_MS, type Predecessor, release, renew } from '../state/lease.ts'
import { openCast, type Cast } from './cast.ts'
import { decideFrom, type Next } from './decide.ts'
import type { Engine } from './engine.ts'
import type { Event, Result } from './event.ts'
import { assertInvariants } from './invariants.ts'
import { ledgerChanges } from './ledger-changes.ts'
import { look, perform, type Performed } from './perform.ts'
import { makeReceipt, signReceipt } from './receipt.ts'
import { Recorder } from './recorder.ts'
import type { Outcome, Scene } from './scene.ts'
import { plainFields, Values } from './values.ts'

/** Where a run of a rotation stopped. */
export type Stopped =
  | { readonly is: 'closed'; readonly result: Result; readonly code?: Code; readonly about?: string }
  | { readonly is: 'waiting'; readonly until: number; readonly why: 'grace' | 'undo' | 'gate'; readonly about: string }
  | { readonly is: 'person'; readonly code: Code; readonly about: string; readonly task: boolean }
  | { readonly is: 'interrupted' }

export interface DriveOptions {
  /** The stores and consumers that the manifest names now. */
  readonly manifestKeys?: readonly string[]
}

/** A wait that ends this soon is slept through instead of given back. */
const SHORT_MS = 50

/** After its deadline an action gets this long to come back by itself before its answer counts as lost. */
const OVERTIME_MS = 500

/** Timers hold 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** How long a gate that was held waits before it is evaluated again. */
const GATE_MIN_MS = 1_000
const GATE_MAX_MS = 30_000

/**
 * Takes one rotation and carries it on to where nothing can be done now: it is closed, it waits for a time, or for a person.
 * Safe to call at any time by any process: it decides from the journal alone. Throws LOCKED when another run holds the
 * rotation, FENCED when one took over meanwhile, and whatever makes the state unusable.
 */
export async function drive(engine: Engine, rotation: string, options: DriveOptions = {}): Promise<Stopped> {
  const { leaseMs = LEASE_MS } = engine
  const taken = await claimRotation(engine.state.db, rotation, engine.owner, engine.now, engine.isDead, leaseMs)
  const lost = new AbortController()
  const heartbeat = setInterval(() => {
    renew(engine.state.db, taken.claim, engine.now(), leaseMs).catch(() => lost.abort())
  }, leaseMs / 3)
  heartbeat.unref()
  let run: Run | undefined
  try {
    run = await Run.open(engine, taken.claim, taken.predecessor, lost.signal, options)
    return await run.toTheEnd()
  } finally {
    clearInterval(heartbeat)
    await run?.close()
    await release(engine.state.db, taken.claim)
  }
}

/** One owner's run of one rotation. */
class Run {
  readonly #engine: Engine
  readonly #claim: Claim
  readonly #recorder: Recorder
  readonly #values: Values
  readonly #cast: Cast
  readonly #lost: AbortSignal
  readonly #options: DriveOptions

  private constructor(engine: Engine, held: Claim, recorder: Recorder, values: Values, cast: Cast, lost: AbortSignal, options: DriveOptions) {
    this.#engine = engine
    this.#claim = held
    this.#recorder = recorder
    this.#values = values
    this.#cast = cast
    this.#lost = lost
    this.#options = options
  }

  static async open(engine: Engine, held: Claim, predecessor: Predecessor, lost: AbortSignal, options: DriveOptions): Promise<Run> {
    const recorder = await Recorder.open(engine, held)
    const { plan } = recorder.progress
    const host = engine.host(plan.base)
    const values = await Values.open(engine.state, held.rotation, plan, host)
    const cast = await openCast(plan, engine.registry, host)
    if (recorder.progress.closed === undefined) await recorder.write({ type: 'rotation-claimed', by: engine.owner, fence: held.fence, predecessor })
    return new Run(engine, held, recorder, values, cast, lost, options)
  }

  close(): Promise<void> {
    return this.#cast.close()
  }

  async toTheEnd(): Promise<Stopped> {
    while (true) {
      if (this.#lost.aborted) throw new KeyturnError('FENCED', this.#claim.rotation)
      if (this.#engine.interrupt.aborted) return { is: 'interrupted' }
      const stopped = await this.#follow(decideFrom(this.#recorder.progress, this.#engine.now()))
      if (stopped !== undefined) return stopped
    }
  }

  /** Does what was decided; answers where to stop, or undefined to decide again. */
  async #follow(next: Next): Promise<Stopped | undefined> {
    const { progress } = this.#recorder
    switch (next.do) {
      case 'attempt':
        await (isEffect(next.step) ? this.#attemptEffect(next.step, next.attempt) : this.#attemptLook(next.step, next.attempt))
        return undefined
      case 'settle':
        await this.#settle(next.step, next.attempt, next.notLateAfter)
        return undefined
      case 'begin-wait':
        await this.#write({ type: 'wait-started', step: next.step.id, until: next.until })
        return undefined
      case 'sleep':
        return this.#sleep(next)
      case 'turn':
        await this.#write({ type: 'direction-turned', code: next.code, about: next.about })
        return undefined
      case 'pause':
        await this.#write({ type: 'rotation-paused', step: next.step.id, code: next.code, about: next.about })
        return undefined
      case 'stay':
        return { is: 'person', code: next.code, about: next.about, task: progress.paused?.task !== undefined }
      case 'close':
        await this.#close(next)
        return undefined
      case 'finished':
        return { is: 'closed', ...(progress.closed ?? { result: 'done' }) }
    }
  }

  async #sleep(next: Next & { do: 'sleep' }): Promise<Stopped | undefined> {
    const { held } = this.#recorder.progress
    const left = next.until - this.#engine.now()
    if (next.why !== 'retry' && left > SHORT_MS) {
      return { is: 'waiting', until: next.until, why: next.why, about: next.why === 'gate' ? (held?.reasons ?? []).join('; ') : next.step.id }
    }
    await this.#engine.sleep(left, AbortSignal.any([this.#engine.interrupt, this.#lost]))
    return undefined
  }

  async #attemptEffect(step: Step, attempt: number): Promise<void> {
    const { rehearsal } = this.#engine
    rehearsal.at(step.id, 'before-intent')
    const resource = this.#resourceOf(step)
    const tag = `kt-${this.#claim.rotation}-${attempt}`
    const deadline = this.#engine.now() + step.deadline
    const proposed = step.do === 'mint' && step.which === 'new' && this.#values.new === undefined && this.#values.old !== undefined ? this.#cast.issuer.propose(this.#values.old) : undefined
    const sealed = proposed === undefined ? {} : { sealed: { new: await this.#values.seal('new', proposed) } }
    const ledger = this.#ledger(step, 'intent-recorded', proposed === undefined ? {} : { new: proposed })
    try {
      await this.#write({ type: 'intent-recorded', step: step.id, attempt, deadline, tag }, { ...sealed, ledger, ...(resource === undefined ? {} : { take: resource }) })
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError) || thrown.code !== 'LOCKED' || thrown.about !== resource) throw thrown
      await this.#write({ type: 'step-refused', step: step.id, attempt, code: 'LOCKED', about: resource })
      return
    }
    if (proposed !== undefined) this.#values.adopt('new', proposed)
    rehearsal.at(step.id, 'after-intent')
    const performed = await this.#perform(step, tag, deadline)
    rehearsal.at(step.id, 'after-effect')
    await this.#record(step, attempt, performed, resource === undefined ? {} : { give: resource })
    rehearsal.at(step.id, 'after-outcome')
  }

  async #attemptLook(step: Step, attempt: number): Promise<void> {
    const { rehearsal } = this.#engine
    rehearsal.at(step.id, 'before-intent')
    rehearsal.at(step.id, 'after-intent')
    if (step.do === 'receipt') this.#writeReceipt()
    const performed = await this.#perform(step, '', this.#engine.now() + step.deadline)
    rehearsal.at(step.id, 'after-effect')
    await this.#record(step, attempt, performed)
    rehearsal.at(step.id, 'after-outcome')
  }

  /** Carries it out under its deadline; whatever is thrown or comes late is an answer too. */
  async #perform(step: Step, tag: string, deadline: number): Promise<Performed> {
    const fault = isEffect(step) ? this.#engine.rehearsal.answer(step.id) : undefined
    if (fault === 'refuse') return { outcome: { is: 'refused', code: 'RIGHTS_MISSING', about: 'rehearsed' } }
    const performed = await this.#inTime(deadline, (call) => perform(this.#scene(), step, tag, call), (outcome) => ({ outcome }))
    return fault === 'lose' ? { outcome: unknown('SERVER_ERROR', 'rehearsed') } : performed
  }

  async #inTime<T>(deadline: number, body: (call: Call) => Promise<T>, otherwise: (outcome: Outcome & { is: 'refused' | 'unknown' }) => T): Promise<T> {
    const left = Math.max(0, deadline - this.#engine.now())
    const timeout = AbortSignal.timeout(left)
    const call: Call = { signal: AbortSignal.any([timeout, this.#lost]), deadline, fence: this.#claim.fence }
    // A timer of its own: whatever a connector does with its signal, the engine goes on.
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(otherwise({ is: 'unknown', code: 'DEADLINE' })), Math.min(left + OVERTIME_MS, LONGEST_TIMER_MS))
    })
    try {
      return await Promise.race([body(call), late])
    } catch (thrown) {
      if (thrown instanceof KeyturnError) return otherwise({ is: 'refused', code: thrown.code, about: thrown.about })
      const cause = reduceCause(thrown)
      return otherwise({ is: 'unknown', code: 'INTERNAL', about: [cause.name, cause.code].filter(Boolean).join(' ') })
    } finally {
      clearTimeout(timer)
    }
  }

  async #record(step: Step, attempt: number, { outcome, seal }: Performed, together: Pick<Together, 'give'> = {}): Promise<void> {
    switch (outcome.is) {
      case 'done': {
        const sealed = seal === undefined ? {} : { sealed: { [seal.name]: await this.#values.seal(seal.name, seal.credential) } }
        const known = seal === undefined ? {} : { [seal.name]: seal.credential }
        await this.#write({ type: 'step-done', step: step.id, attempt, evidence: outcome.value }, { ...together, ...sealed, ledger: this.#ledger(step, 'step-done', known) })
        if (seal !== undefined) this.#values.adopt(seal.name, seal.credential)
        return
      }
      case 'held': {
        const retryAt = this.#engine.now() + Math.min(GATE_MAX_MS, Math.max(GATE_MIN_MS, this.#recorder.progress.plan.timing.quiet / 4))
        await this.#write({ type: 'gate-held', step: step.id, reasons: outcome.reasons, retryAt }, together)
        return
      }
      case 'ask':
        await this.#write({ type: 'step-asked', step: step.id, attempt, task: outcome.task }, together)
        return
      default:
        if (outcome.code === 'FENCED') throw new KeyturnError('FENCED', step.id)
        await this.#write({ ...failure(outcome), type: outcome.is === 'refused' ? 'step-refused' : 'step-unknown', step: step.id, attempt } as Event, together)
    }
  }

  /** Looks whether an effect happened. "No" counts only when it cannot happen any more. */
  async #settle(step: Step, attempt: number, notLateAfter: number): Promise<void> {
    const seen = await this.#inTime(this.#engine.now() + step.deadline, (call) => look(this.#scene(), step, call), (outcome) => outcome)
    if (seen.is === 'done' && seen.value) {
      await this.#write({ type: 'step-done', step: step.id, attempt, evidence: {}, settled: true }, { ledger: this.#ledger(step, 'step-done', {}) })
    } else if (seen.is === 'done') {
      const left = notLateAfter - this.#engine.now()
      if (left <= 0 || this.#cannotComeLate(step)) await this.#write({ type: 'step-absent', step: step.id, attempt })
      else await this.#engine.sleep(Math.min(left, 250), AbortSignal.any([this.#engine.interrupt, this.#lost]))
    } else if (seen.is === 'ask') {
      await this.#write({ type: 'step-unknown', step: step.id, attempt, code: 'NOT_NOW', about: seen.task.title })
    } else {
      await this.#write({ type: 'step-unknown', step: step.id, attempt, ...failure(seen) })
    }
  }

  /** Whether an effect of the owner before is out of the world: its process is gone and took it along, or the target fences it. */
  #cannotComeLate(step: Step): boolean {
    const { predecessor, plan, done } = this.#recorder.progress
    if (step.do === 'mint' || step.do === 'set') return done.get('preflight')?.evidence['fenced'] === true
    if (predecessor !== 'dead') return false
    if (step.do === 'publish') return this.#cast.stores[step.store]?.traits.local === true
    return step.do === 'reload' && plan.waves.length > 0 && this.#cast.waves[step.wave]?.[step.consumer]?.consumer.traits.local === true
  }

  async #close(next: Next & { do: 'close' }): Promise<void> {
    const { result, code, about } = next
    const wipe = result === 'done' ? (['old'] as const) : (['new', 'old'] as const)
    await this.#write(
      { type: 'rotation-closed', result, ...(code === undefined ? {} : { code }), ...(about === undefined ? {} : { about }) },
      { close: { result, wipe } },
    )
  }

  /** Beside the database, so that it outlives it; the same journal gives the same receipt, so writing it again does no harm. */
  #writeReceipt(): void {
    const { identity, folder } = this.#engine.state
    const { new: fresh, old } = this.#values
    if (identity === undefined || fresh === undefined || old === undefined) return
    const name = (credential: Credential): { id: string; fingerprint: string } => ({ id: credential.id, fingerprint: this.#fingerprint(credential) })
    const forward = this.#recorder.progress.direction === 'forward'
    const credentials = forward ? { inUse: name(fresh), ended: name(old) } : { inUse: name(old), ended: name(fresh) }
    const receipt = makeReceipt(this.#claim.rotation, this.#recorder.events, this.#recorder.progress, credentials, this.#recorder.head, this.#engine.now())
    const file = receiptFile(folder, this.#claim.rotation)
    mkdirSync(join(folder, 'receipts'), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.tmp`, `${JSON.stringify(signReceipt(receipt, identity), null, 2)}\n`, { mode: 0o600, flush: true })
    renameSync(`${file}.tmp`, file)
  }

  async #write(event: Event, together: Omit<Together, 'dueAt' | 'waitsFor'> = {}): Promise<void> {
    await this.#recorder.write(event, together)
    if (process.env['KEYTURN_DEBUG'] !== undefined) assertInvariants(this.#recorder.events)
  }

  #scene(): Scene {
    const { progress } = this.#recorder
    return {
      plan: progress.plan,
      cast: this.#cast,
      progress,
      values: { ...(this.#values.new === undefined ? {} : { new: this.#values.new }), ...(this.#values.old === undefined ? {} : { old: this.#values.old }) },
      fingerprint: (credential) => this.#fingerprint(credential),
      now: this.#engine.now,
      sleep: this.#engine.sleep,
      ...(this.#options.manifestKeys === undefined ? {} : { manifestKeys: this.#options.manifestKeys }),
    }
  }

  #fingerprint(credential: Credential): string {
    return this.#values.fingerprint(credential, plainFields(this.#recorder.progress.plan.traits.fields))
  }

  #ledger(step: Step, type: 'intent-recorded' | 'step-done', fresh: { readonly new?: Credential; readonly old?: Credential }): NonNullable<Together['ledger']> {
    return ledgerChanges(this.#recorder.progress.plan, step, type, (which) => {
      const credential = fresh[which] ?? this.#values[which]
      return credential === undefined ? undefined : { credential, fingerprint: this.#fingerprint(credential) }
    })
  }

  /** Locks are held for one write or one reload, so that two secrets may share a store or a consumer. */
  #resourceOf(step: Step): string | undefined {
    const { plan } = this.#recorder.progress
    if (step.do === 'publish') return plan.stores[step.store]?.key
    return step.do === 'reload' ? plan.waves[step.wave]?.[step.consumer]?.key : undefined
  }
}

function failure(outcome: { readonly code: Code; readonly about?: string; readonly evidence?: Evidence }): { code: Code; about?: string; evidence?: Evidence } {
  return { code: outcome.code, ...(outcome.about === undefined ? {} : { about: outcome.about }), ...(outcome.evidence === undefined ? {} : { evidence: outcome.evidence }) }
}

/** Where the receipt of a rotation lies. */
export function receiptFile(folder: string, rotation: string): string {
  return join(folder, 'receipts', `${rotation}.json`)
}
