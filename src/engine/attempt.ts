import { type Call, type Code, type Credential, type Evidence, KeyturnError, unknown } from '../kit/index.ts'
import { endOrphan, orphanAlive } from '../outside/process/lock.ts'
import type { Plan } from '../plan/plan.ts'
import { isEffect, type Step } from '../plan/step.ts'
import { isChosen } from '../plan/steps.ts'
import type { Claim, Together } from '../state/journal.ts'
import { saveReceipt } from '../proof/receipts.ts'
import { oldWanted } from '../steps/guard.ts'
import type { Cast } from '../steps/cast.ts'
import type { DriveOptions } from './drive.ts'
import type { Engine } from './engine.ts'
import { inTime, LOOK_OVERTIME_MS, OVERTIME_MS } from './in-time.ts'
import { lockFile } from './lock-file.ts'
import { ledgerChanges } from '../journal/ledger-changes.ts'
import { look, perform, type Performed } from '../steps/perform.ts'
import { nameOf } from '../journal/name.ts'
import { brings, isKnown, resourceOf } from '../journal/steps.ts'
import { makeReceipt, receiptText, signReceipt } from '../proof/receipt.ts'
import type { Recorder } from './recorder.ts'
import { tagOf } from '../journal/tag.ts'
import type { Outcome, Scene } from '../steps/scene.ts'
import { specOf } from '../steps/since.ts'
import { plainFields, type Values } from '../steps/values.ts'

/** How long a gate that was held waits before it is evaluated again. */
const GATE_MIN_MS = 1_000
const GATE_MAX_MS = 30_000

/** What is sealed on trial, before a provider makes a value that could not be kept else. */
const NOTHING: Credential = { id: '', fields: {} }

/** How long one look in the undo window may take. */
const GUARD_MS = 10_000

/** What one owner's attempts work with. */
interface Held {
  readonly engine: Engine
  readonly claim: Claim
  readonly recorder: Recorder
  readonly values: Values
  readonly cast: Cast
  /** Aborts when another owner took over. */
  readonly lost: AbortSignal
  readonly options: DriveOptions
}

/** Carries out single steps of one rotation, each with its lines in the journal around it. */
export class Attempts {
  readonly #engine: Engine
  readonly #claim: Claim
  readonly #recorder: Recorder
  readonly #values: Values
  readonly #cast: Cast
  readonly #lost: AbortSignal
  readonly #options: DriveOptions
  /** The states in the ledger that this run has written, by credential. */
  readonly #inLedger = new Map<string, string>()

  constructor(held: Held) {
    this.#engine = held.engine
    this.#claim = held.claim
    this.#recorder = held.recorder
    this.#values = held.values
    this.#cast = held.cast
    this.#lost = held.lost
    this.#options = held.options
  }

  /** An effect: the intent on disk, then the act, then the outcome on disk. */
  async effect(step: Step, attempt: number): Promise<void> {
    const { rehearsal } = this.#engine
    rehearsal.at(step.id, 'before-intent')
    const resource = resourceOf(this.#recorder.progress.plan, step)
    const tag = tagOf(this.#claim.rotation, this.#recorder.progress.plan, step, attempt)
    const proposed = this.#propose(step)
    const sealing = proposed === undefined && step.do !== 'mint' ? undefined : await this.#values.trySeal('new', proposed ?? NOTHING)
    if (sealing?.is === 'refused') return this.#record(step, attempt, { outcome: sealing })
    const sealed = proposed === undefined || sealing === undefined ? {} : { sealed: { new: sealing.value } }
    const deadline = this.#engine.now() + step.deadline
    const ledger = this.#ledger(step, 'intent-recorded', proposed === undefined ? {} : { new: proposed })
    try {
      if (resource !== undefined) this.#refuseOrphan(step, resource)
      await this.#recorder.write({ type: 'intent-recorded', step: step.id, attempt, deadline, tag, ...this.#named(step, proposed) }, { ...sealed, ledger })
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError) || thrown.code !== 'LOCKED' || thrown.about !== resource) throw thrown
      await this.#recorder.write({ type: 'step-refused', step: step.id, attempt, code: 'LOCKED', about: resource })
      return
    }
    if (proposed !== undefined) this.#values.adopt('new', proposed)
    rehearsal.at(step.id, 'after-intent')
    const performed = await this.#perform(step, tag, deadline)
    rehearsal.at(step.id, 'after-effect')
    await this.#record(step, attempt, performed)
    rehearsal.at(step.id, 'after-outcome')
  }

  /** The value that we choose for the first mint; one that the provider makes is nothing before it is there. */
  #propose(step: Step): Credential | undefined {
    const { traits } = this.#recorder.progress.plan
    if (!isChosen(traits) || step.do !== 'mint' || step.which !== 'new' || this.#values.new !== undefined || this.#values.old === undefined) return undefined
    return this.#cast.issuer.propose(this.#values.old)
  }

  /** The name of the new credential, for the intent and the outcome of the step that brings it. */
  #named(step: Step, credential = this.#values.new): { readonly id?: string } {
    return credential !== undefined && brings(this.#recorder.progress.plan, step) ? { id: nameOf(credential.id) } : {}
  }

  /** A look: nothing outside is changed, so only what was seen is written. */
  async look(step: Step, attempt: number): Promise<void> {
    const { rehearsal } = this.#engine
    rehearsal.at(step.id, 'before-intent')
    rehearsal.at(step.id, 'after-intent')
    const receipt = step.do === 'receipt' ? this.#makeReceipt() : undefined
    const performed = await this.#perform(step, '', this.#engine.now() + step.deadline)
    rehearsal.at(step.id, 'after-effect')
    // Cut short on request it says nothing: the next run begins it anew.
    if (lasts(this.#recorder.progress.plan, step) && this.#engine.interrupt.aborted && performed.outcome.is !== 'done') return
    await this.#record(step, attempt, performed, receipt)
    rehearsal.at(step.id, 'after-outcome')
  }

  /** Carries it out under its deadline; whatever is thrown or comes late is an answer too. */
  async #perform(step: Step, tag: string, deadline: number): Promise<Performed> {
    const fault = isEffect(step) ? this.#engine.rehearsal.answer(step.id) : undefined
    if (fault === 'refuse') return { outcome: { is: 'refused', code: 'RIGHTS_MISSING', about: 'rehearsed' } }
    const performed = await this.#inTime(step, deadline, (call) => perform(this.#scene(), step, tag, call), (outcome) => ({ outcome }))
    return fault === 'lose' ? { outcome: unknown('SERVER_ERROR', 'rehearsed') } : performed
  }

  async #record(step: Step, attempt: number, { outcome, seal }: Performed, receipt?: string): Promise<void> {
    switch (outcome.is) {
      case 'done': {
        const sealing = seal === undefined ? undefined : await this.#values.trySeal(seal.name, seal.credential)
        // It is there, and cannot be kept: as good as one that got no answer, which is found again and settled (I3).
        if (sealing?.is === 'refused') return this.#record(step, attempt, { outcome: unknown(sealing.code, sealing.about) })
        const sealed = seal === undefined || sealing === undefined ? {} : { sealed: { [seal.name]: sealing.value } }
        const known = seal === undefined ? {} : { [seal.name]: seal.credential }
        await this.#recorder.write({ type: 'step-done', step: step.id, attempt, evidence: { ...outcome.value, ...this.#named(step, seal?.credential) } }, { ...sealed, ledger: this.#ledger(step, 'step-done', known), ...(receipt === undefined ? {} : { receipt }) })
        if (seal !== undefined) this.#values.adopt(seal.name, seal.credential)
        return
      }
      case 'held': {
        const retryAt = outcome.again ?? this.#engine.now() + Math.min(GATE_MAX_MS, Math.max(GATE_MIN_MS, this.#recorder.progress.plan.timing.quiet / 4))
        await this.#recorder.write({ type: 'gate-held', step: step.id, reasons: outcome.reasons, retryAt, ...(outcome.stale === true ? { stale: true } : {}) })
        return
      }
      case 'ask':
        await this.#recorder.write({ type: 'step-asked', step: step.id, attempt, task: outcome.task })
        return
      default:
        if (outcome.code === 'FENCED') throw new KeyturnError('FENCED', step.id)
        if (outcome.is === 'unknown') await this.#recorder.write({ ...failure(outcome), type: 'step-unknown', step: step.id, attempt })
        else await this.#recorder.write({ ...failure(outcome), type: 'step-refused', step: step.id, attempt }, { ledger: this.#recorder.progress.open?.first === true ? this.#ledger(step, 'step-refused', {}) : [] })
    }
  }

  /**
   * In the undo window: whether an instance holds the old value again, which is refused now. Answers true when it was written
   * down: the old one is turned on again (I7). A look that got no answer is no attempt to use it.
   */
  async guard(step: Step): Promise<boolean> {
    const wanted = await this.#inTime(undefined, this.#engine.now() + GUARD_MS, (call) => oldWanted(this.#scene(), call), () => [])
    if (wanted.length === 0) return false
    await this.#recorder.write({ type: 'step-refused', step: step.id, attempt: 1, code: 'OLD_WANTED', about: wanted.join(', ') })
    return true
  }

  /** Looks whether an effect happened. "No" counts only when it cannot happen any more. */
  async settle(step: Step, attempt: number, notLateAfter: number): Promise<void> {
    if (await this.#waitForOrphan(step, notLateAfter)) return
    const seen = await this.#inTime(undefined, this.#engine.now() + step.deadline, (call) => look(this.#scene(), step, call), (outcome) => outcome)
    if (seen.is === 'done' && seen.value) {
      await this.#recorder.write({ type: 'step-done', step: step.id, attempt, evidence: this.#named(step), settled: true }, { ledger: this.#ledger(step, 'step-done', {}) })
    } else if (seen.is === 'done') {
      const left = notLateAfter - this.#engine.now()
      if (left <= 0 || this.#cannotComeLate(step)) await this.#recorder.write({ type: 'step-absent', step: step.id, attempt })
      else await this.#waitOut(step, notLateAfter, Math.min(left, 250))
    } else if (seen.is === 'ask') {
      await this.#recorder.write({ type: 'step-unknown', step: step.id, attempt, code: 'NOT_NOW', about: seen.task.title })
    } else {
      await this.#recorder.write({ type: 'step-unknown', step: step.id, attempt, ...failure(seen) })
    }
  }

  /** A child of a killed owner may still be at work: it is waited for, and ended when its time is over. */
  async #waitForOrphan(step: Step, notLateAfter: number): Promise<boolean> {
    const lock = this.#lockOf(step)
    if (!orphanAlive(lock, this.#engine.now())) return false
    if (this.#engine.now() >= notLateAfter) endOrphan(lock)
    // Also after ending it: one that does not die at once (a disk that hangs) must not keep lease and signals from being served.
    await this.#waitOut(step, notLateAfter, 100)
    return true
  }

  /** A while of the time until a late effect cannot land any more. */
  async #waitOut(step: Step, until: number, ms: number): Promise<void> {
    const at = this.#engine.now()
    if (at < until) this.#engine.onLate?.(this.#claim.rotation, { step, at, until }, this.#recorder.progress)
    await this.#engine.sleep(ms, AbortSignal.any([this.#engine.interrupt, this.#lost]))
  }

  /** Throws LOCKED while a child of another rotation's killed worker still works at what this step is about to change. */
  #refuseOrphan(step: Step, resource: string): void {
    const lock = this.#lockOf(step)
    if (!orphanAlive(lock, this.#engine.now())) return
    endOrphan(lock, this.#engine.now())
    throw new KeyturnError('LOCKED', resource)
  }

  /** Whether an effect of the owner before is out of the world: its process is gone and took it along, or the target fences it. */
  #cannotComeLate(step: Step): boolean {
    const { open, plan, done, fence } = this.#recorder.progress
    // Asking a person sends nothing.
    if (plan.traits.asks?.includes(step.do === 'set' ? step.to : 'mint') === true && (step.do === 'set' || step.do === 'mint')) return true
    // What a provider makes it never makes again: to end it once more does no harm, however late.
    if (step.do === 'forget' && plan.traits.value === 'made') return true
    // The fence holds back older owners; what we sent ourselves passes it.
    if (step.do === 'mint' || step.do === 'set' || step.do === 'forget') return (done.get('preflight')?.evidence['fenced'] ?? plan.summary.fenced) === true && open !== undefined && open.fence < fence
    if (open?.ownerGone !== true) return false
    if (step.do === 'publish') return this.#cast.stores[step.store]?.traits.local === true
    return step.do === 'reload' && plan.waves.length > 0 && this.#cast.waves[step.wave]?.[step.consumer]?.consumer.traits.local === true
  }

  /** From the journal alone; undefined when there is nothing to say. A state that is a folder has it as a file, too. */
  #makeReceipt(): string | undefined {
    const { identity, folder, kind } = this.#engine.state
    const { new: fresh, old } = this.#values
    if (identity === undefined || fresh === undefined || old === undefined) return undefined
    const name = (credential: Credential): { id: string; fingerprint: string } => ({ id: credential.id, fingerprint: this.#fingerprint(credential) })
    const forward = this.#recorder.progress.direction === 'forward'
    // A new credential that was refused was never one: there is nothing to say of its end.
    if (!forward && !isKnown(this.#recorder.progress)) return undefined
    const credentials = forward ? { inUse: name(fresh), other: name(old) } : { inUse: name(old), other: name(fresh) }
    const receipt = makeReceipt(this.#claim.rotation, this.#recorder.events, this.#recorder.progress, credentials, this.#recorder.head, this.#engine.now())
    const text = receiptText(signReceipt(receipt, identity))
    if (kind === 'sqlite') saveReceipt(folder, this.#claim.rotation, text)
    return text
  }

  /** Under its deadline; children of an effect inherit its lock. */
  #inTime<T>(effect: Step | undefined, deadline: number, body: (call: Call) => Promise<T>, otherwise: (outcome: Outcome & { is: 'refused' | 'unknown' }) => T): Promise<T> {
    const lock = effect !== undefined && isEffect(effect) ? { lock: this.#lockOf(effect) } : {}
    const isLook = effect !== undefined && !isEffect(effect)
    const lost = effect !== undefined && lasts(this.#recorder.progress.plan, effect) ? AbortSignal.any([this.#lost, this.#engine.interrupt]) : this.#lost
    return inTime(deadline - this.#engine.now(), { deadline, fence: this.#claim.fence, ...lock }, lost, body, otherwise, isLook ? LOOK_OVERTIME_MS : OVERTIME_MS)
  }

  #lockOf(step: Step): string {
    return lockFile(this.#engine.state, resourceOf(this.#recorder.progress.plan, step) ?? `${this.#claim.rotation} ${step.id}`)
  }

  #scene(): Scene {
    const { progress } = this.#recorder
    return {
      rotation: this.#claim.rotation,
      plan: progress.plan,
      cast: this.#cast,
      progress,
      values: { ...(this.#values.new === undefined ? {} : { new: this.#values.new }), ...(this.#values.old === undefined ? {} : { old: this.#values.old }), inherited: this.#values.inherited },
      fingerprint: (credential) => this.#fingerprint(credential),
      now: this.#engine.now,
      sleep: this.#engine.sleep,
      kept: this.#values,
      ...this.#options,
    }
  }

  #fingerprint(credential: Credential): string {
    return this.#values.fingerprint(credential, plainFields(this.#recorder.progress.plan.traits.fields))
  }

  #ledger(step: Step, type: 'intent-recorded' | 'step-done' | 'step-refused', fresh: { readonly new?: Credential; readonly old?: Credential }): NonNullable<Together['ledger']> {
    const changes = ledgerChanges(this.#recorder.progress.plan, step, type, (which) => {
      const credential = fresh[which] ?? this.#values[which]
      return credential === undefined ? undefined : { credential, fingerprint: this.#fingerprint(credential) }
    })
    // What this run has written already is not written again; an append that fails ends the run.
    return changes.filter(({ providerId, fingerprint, state }) => {
      const credential = `${providerId} ${fingerprint}`
      const known = this.#inLedger.get(credential) === state
      this.#inLedger.set(credential, state)
      return !known
    })
  }
}

/** A look that may take minutes or hours: whoever stops the run does not wait for it. */
function lasts(plan: Plan, step: Step): boolean {
  return step.do === 'watch' || (step.do === 'check' && specOf(plan, step)?.for !== undefined)
}

function failure(outcome: { readonly code: Code; readonly about?: string; readonly evidence?: Evidence }): { code: Code; about?: string; evidence?: Evidence } {
  return { code: outcome.code, ...(outcome.about === undefined ? {} : { about: outcome.about }), ...(outcome.evidence === undefined ? {} : { evidence: outcome.evidence }) }
}
