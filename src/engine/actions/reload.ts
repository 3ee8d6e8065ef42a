import { type Answer, type Attestation, type Call, type Code, done, type Evidence, type Instance, label, type Presented, refused, unknown } from '../../kit/index.ts'
import type { Which } from '../../plan/step.ts'
import type { CastConsumer } from '../cast.ts'
import { presentedAs, type Scene } from '../scene.ts'
import { tellApart } from './probe.ts'

interface ConsumerStep {
  readonly wave: number
  readonly consumer: number
  readonly which: Which
}

/** How often a consumer that is not there yet is looked at again. */
const LOOK_AGAIN_MS = 200

/** So long an instance that is not ready may take to say what it holds: it may never answer. */
const UNREADY_MS = 2_000

/** Makes the consumer read its stores again. */
export async function reload(scene: Scene, step: ConsumerStep, call: Call): Promise<Answer<Evidence>> {
  const answer = await member(scene, step).consumer.reload(call)
  return answer.is === 'done' ? done(answer.value.evidence) : answer
}

/**
 * A reload of which no outcome is known happened when every instance proves that it holds the value; if not, or if it can only be
 * inferred, reloading again does no harm.
 */
export async function lookForReload(scene: Scene, step: ConsumerStep, call: Call): Promise<Answer<boolean>> {
  const seen = await attestAll(scene, step, call)
  return seen.is === 'done' ? done(seen.value.missing.length === 0 && !seen.value.inferred) : seen
}

/** Waits until every instance is ready and proves that it holds the credential. */
export async function attest(scene: Scene, step: ConsumerStep, call: Call): Promise<Answer<Evidence>> {
  let last: Answer<Attested> = unknown('DEADLINE')
  while (!call.signal.aborted) {
    const seen = await attestAll(scene, step, call)
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
}

/** One look at every instance of a consumer. One that is not ready is never proof; `ask` asks it all the same, for {@link Attested.holders}. */
export async function attestAll(scene: Scene, step: ConsumerStep, call: Call, unready: 'skip' | 'ask' = 'skip'): Promise<Answer<Attested>> {
  const cast = member(scene, step)
  const planned = scene.plan.waves[step.wave]?.[step.consumer]
  const listed = await cast.consumer.instances(call)
  if (listed.is !== 'done') return listed
  const other: Which = step.which === 'new' ? 'old' : 'new'
  const keeps = await presentedAs(scene, step.which, call)
  const ends = await presentedAs(scene, other, call)
  if (keeps === undefined) return refused('INTERNAL', `the ${step.which} credential is not known`)
  const missing: string[] = []
  const evidence: Record<string, string> = {}
  const holders: string[] = []
  let code: Code = 'CONSUMER_STALE'
  let inferred = false
  const absent = (planned?.instances ?? []).filter((name) => !listed.value.all.some((instance) => instance.name === name))
  for (const name of absent) missing.push(`${label(name)} is not there`)
  if (absent.length > 0 || listed.value.all.length === 0) code = 'CONSUMER_MISSING'
  if (listed.value.all.length === 0 && absent.length === 0) missing.push('no instance is there')
  for (const instance of listed.value.all) {
    const name = label(instance.name)
    if (!instance.ready) {
      missing.push(`${name} is not ready`)
      code = 'CONSUMER_UNREADY'
      if (unready === 'ask') {
        const brief = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(UNREADY_MS)]) }
        const attestation = await attestOne(scene, cast, instance, keeps, ends, step.which, brief)
        if (attestation.is === 'done' && attestation.value.holds === 'old' && attestation.value.by !== 'inferred') holders.push(name)
      }
      continue
    }
    const attestation = await attestOne(scene, cast, instance, keeps, ends, step.which, call)
    if (attestation.is !== 'done') {
      missing.push(`${name} gives no answer`)
      continue
    }
    const { holds, by } = attestation.value
    evidence[name] = holds === 'new' ? by : holds
    if (holds === 'old' && by !== 'inferred') holders.push(name)
    // An inference is no proof, but no contradiction either: the gate then asks for more.
    if (by === 'inferred' && (holds === 'new' || holds === 'unseen')) inferred = true
    else if (holds === 'unseen' && cast.application !== undefined) missing.push(`${name} has no session named ${applicationOf(cast.application, instance)}`)
    else if (holds !== 'new') missing.push(`${name} holds ${holds === 'old' ? `the ${other} value` : holds === 'neither' ? 'another value' : 'what cannot be seen now'}`)
  }
  return done({ missing, code, inferred, evidence, ids: listed.value.all.map((instance) => instance.id).sort(), holders })
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

function member(scene: Scene, step: ConsumerStep): CastConsumer {
  const found = scene.cast.waves[step.wave]?.[step.consumer]
  if (found === undefined) throw new TypeError('the plan names a consumer that was not opened')
  return found
}
