import { type Answer, type Attestation, type Call, type Code, done, type Evidence, type Instance, label, type Presented, refused, unknown } from '../kit/index.ts'
import { isTaken } from '../journal/receivers.ts'
import { other, shownBefore } from '../journal/steps.ts'
import type { Shown, Which } from '../plan/step.ts'
import { isDual } from '../plan/steps.ts'
import type { CastConsumer } from './cast.ts'
import { tellApart } from './probe.ts'
import { presentedAs, type Scene } from './scene.ts'

/** A step that is about one consumer. */
export interface ConsumerStep extends Shown {
  readonly wave: number
  readonly consumer: number
  /** What they hold that were not reloaded; the other credential when absent. */
  readonly before?: Shown
}

/** How often a consumer that is not there yet is looked at again. */
const LOOK_AGAIN_MS = 200

/** So long an instance that is not ready may take to say what it holds: it may never answer. */
const UNREADY_MS = 2_000

/** Waits until every instance is ready and proves that it holds the credential. */
export async function attest(scene: Scene, step: ConsumerStep, call: Call): Promise<Answer<Evidence>> {
  let last: Answer<Attested> = unknown('DEADLINE')
  const settles = step.beside === undefined && !isDual(scene.plan) && scene.plan.steps.some((each) => each.do === 'attest' && each.beside !== undefined)
  const asked = settles && step.which === 'new' ? { ...step, before: { which: step.which, beside: other(step.which) } } : step
  while (!call.signal.aborted) {
    const seen = await attestAll(scene, asked, call)
    if (seen.is === 'done' && seen.value.missing.length === 0) return done(seen.value.evidence)
    // A look that the deadline cut short says less than the one before.
    if (!call.signal.aborted || last.is === 'unknown') last = seen
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
  if (last.is !== 'done') return last
  const fresh = { ...call, signal: AbortSignal.timeout(5_000), deadline: scene.now() + 5_000 }
  return refused(last.value.code, last.value.missing.join(', '), { ...last.value.evidence, ...(await tellApart(scene, fresh)) })
}

/** What the instances of one consumer hold. */
export interface Attested {
  /** In words, one for each instance that does not prove the credential; empty when all do. */
  readonly missing: readonly string[]
  readonly code: Code
  /** Whether at least one instance could only be inferred. */
  readonly inferred: boolean
  readonly evidence: Evidence
  readonly ids: readonly string[]
  /** Names of the instances that prove to hold the other credential. */
  readonly holders: readonly string[]
  /** Whether one of them proves to hold anything else than the credential. */
  readonly stale: boolean
}

/** What one instance says of itself. */
interface Judged {
  /** Why it is no proof, in words; absent when it is. */
  readonly missing?: string
  readonly code?: Code
  readonly inferred?: boolean
  readonly evidence?: string
  /** It proves to hold the other credential. */
  readonly holdsOther?: boolean
  /** It proves to hold anything else. */
  readonly stale?: boolean
}

/** One look at every instance of a consumer. One that is not ready is never proof; `ask` asks it all the same, for {@link Attested.holders}. */
export async function attestAll(scene: Scene, step: ConsumerStep, call: Call, unready: 'skip' | 'ask' = 'skip'): Promise<Answer<Attested>> {
  const cast = member(scene, step)
  const listed = await cast.consumer.instances(call)
  if (listed.is !== 'done') return listed
  const { all } = listed.value
  const keeps = await presentedAs(scene, step, call)
  const ends = await presentedAs(scene, step.before ?? (isDual(scene.plan) ? shownBefore(step) : { which: other(step.which) }), call)
  if (keeps === undefined) return refused('INTERNAL', `the ${step.which} credential is not known`)
  const earlier = keeps.others === undefined ? `the ${other(step.which)} value` : 'what was published before'
  const missing = missingInstances(scene, step, all)
  let code: Code = missing.length > 0 || all.length === 0 ? 'CONSUMER_MISSING' : 'CONSUMER_STALE'
  const evidence: Record<string, string> = {}
  const holders: string[] = []
  let inferred = false
  let stale = false
  for (const instance of all) {
    const name = label(instance.name)
    const ask = (within: Call): Promise<Answer<Attestation>> => attestOne(scene, cast, instance, keeps, ends, step.which, within)
    const hasWord = scene.progress.acknowledged.has(instance.name) || isTaken(scene.progress, step, instance.name)
    const judged = answered(hasWord, await judge(cast, instance, { ask, earlier }, call, hasWord ? 'ask' : unready))
    if (judged.missing !== undefined) missing.push(`${name} ${judged.missing}`)
    if (judged.evidence !== undefined) evidence[name] = judged.evidence
    if (judged.holdsOther === true) holders.push(name)
    inferred ||= judged.inferred === true
    stale ||= judged.stale === true
    // Before all accept a key nobody may sign with it: of that an inference is no proof, and there is no gate after it.
    if (judged.inferred === true && keeps.others !== undefined && step.beside !== undefined) missing.push(`${name} cannot show which keys it accepts`)
    code = judged.code ?? code
  }
  return done({ missing, code, inferred, evidence, ids: all.map((instance) => instance.id).sort(), holders, stale })
}

/** Those that the plan knows and that are not there, in words; a consumer that never had any named instance needs at least one. */
function missingInstances(scene: Scene, step: ConsumerStep, all: readonly Instance[]): string[] {
  const planned = scene.plan.waves[step.wave]?.[step.consumer]?.instances ?? []
  const expected = planned.filter((name) => !scene.progress.acknowledged.has(name))
  const absent = expected.filter((name) => !all.some((instance) => instance.name === name))
  if (absent.length === 0 && all.length === 0 && planned.length === 0) return ['no instance is there']
  return absent.map((name) => `${label(name)} is not there`)
}

/** How one instance is asked, and what it is in words to hold the other credential. */
interface Question {
  readonly ask: (call: Call) => Promise<Answer<Attestation>>
  readonly earlier: string
}

async function judge(cast: CastConsumer, instance: Instance, { ask, earlier }: Question, call: Call, unready: 'skip' | 'ask'): Promise<Judged> {
  if (!instance.ready) {
    const brief = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(UNREADY_MS)]) }
    const attestation = unready === 'ask' ? await ask(brief) : undefined
    return { missing: 'is not ready', code: 'CONSUMER_UNREADY', holdsOther: attestation?.is === 'done' && provesOther(attestation.value) }
  }
  const attestation = await ask(call)
  if (attestation.is !== 'done') return { missing: 'gives no answer' }
  const { holds, by } = attestation.value
  // An inference is no proof, but no contradiction either: the gate then asks for more.
  if (by === 'inferred' && (holds === 'new' || holds === 'unseen')) return { evidence: holds === 'new' ? by : holds, inferred: true }
  if (holds === 'new') return { evidence: by }
  if (holds === 'unseen' && cast.application !== undefined) return { evidence: holds, missing: `has no session named ${applicationOf(cast.application, instance)}` }
  const what = holds === 'old' ? earlier : holds === 'neither' ? 'another value' : 'what cannot be seen now'
  return { evidence: holds, missing: `holds ${what}`, holdsOther: provesOther(attestation.value), stale: holds !== 'unseen' && by !== 'inferred' }
}

/** Whether it says so itself, by a proof. */
function provesOther({ holds, by }: Attestation): boolean {
  return holds === 'old' && by !== 'inferred'
}

/** The word of a person for an instance stands in for its proof, but not against one. */
function answered(hasWord: boolean, judged: Judged): Judged {
  if (!hasWord || judged.holdsOther === true) return judged
  return judged.missing === undefined && judged.inferred !== true ? judged : { evidence: 'acknowledged' }
}

/** From the side of the credential that is wanted: `new` in the answer means that one. */
function attestOne(scene: Scene, cast: CastConsumer, instance: Instance, keeps: Presented, ends: Presented | undefined, which: Which, call: Call): Promise<Answer<Attestation>> {
  if (cast.application !== undefined) return attestByIssuer(scene, cast.application, instance, which, call)
  return (cast.attestor ?? cast.consumer).attest(instance, keeps, ends, call)
}

function applicationOf(template: string, instance: Instance): string {
  return label(template.replaceAll('{name}', instance.name))
}

/** The issuer's session list: the instance's sessions use this credential and none uses the other one. */
async function attestByIssuer(scene: Scene, application: string, instance: Instance, which: Which, call: Call): Promise<Answer<Attestation>> {
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  const wanted = applicationOf(application, instance)
  const count = (id: string | undefined): number =>
    seen.value.known.filter((known) => known.id === id).flatMap((known) => known.uses).filter((use) => use.by.split('@')[0] === wanted).reduce((sum, use) => sum + use.count, 0)
  const kept = count(scene.values[which]?.id)
  const ended = count(scene.values[which === 'new' ? 'old' : 'new']?.id)
  const holds = ended > 0 ? 'old' : kept > 0 ? 'new' : 'unseen'
  return done({ holds, by: 'issuer', evidence: { kept, ended } })
}

/** The consumer of the step. */
export function member(scene: Scene, step: ConsumerStep): CastConsumer {
  const found = scene.cast.waves[step.wave]?.[step.consumer]
  if (found === undefined) throw new TypeError('the plan names a consumer that was not opened')
  return found
}
