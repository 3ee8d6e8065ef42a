import { type Answer, type Call, type Check, type Credential, done, type Evidence, label, refused } from '../kit/index.ts'
import type { CheckSpec } from '../manifest/model.ts'
import { isChosen, restores } from '../plan/steps.ts'
import { lookAhead } from './ahead.ts'
import { readCurrent } from './current.ts'
import { entriesFor, presentOf } from './entries.ts'
import type { Scene } from './scene.ts'
import { type CheckPlace, keptEvidence } from './since.ts'
import { attestAll } from './attest.ts'
import { baselineKey } from './reclaim.ts'
import { credentialFor, LOOK_AGAIN_MS, untilPass } from './check.ts'
import { failsWithWrong } from './self-test.ts'

/**
 * Everything that has to be green before anything is changed, looked at once more at the moment of starting. Answers with the
 * old credential, which the engine seals: it is what a rollback goes back to and what is proven dead in the end.
 */
export async function preflight(scene: Scene, call: Call): Promise<Answer<{ readonly old: Credential; readonly evidence: Evidence }>> {
  const { cast, plan } = scene
  const current = await readCurrent(cast, plan.stores, call)
  if (current.is !== 'done') return current
  const old = current.value
  const moved = worldMoved(scene, old)
  if (moved !== undefined) return refused('WORLD_MOVED', moved)
  const next = scene.values.new ?? cast.issuer.propose(old)
  const issuer = await lookAhead(cast.issuer, old, next.id, !restores(plan), call)
  if (issuer.is !== 'done') return issuer
  const baseline = await idsBefore(scene, call)
  if (baseline.is !== 'done') return baseline
  for (const [index, store] of cast.stores.entries()) {
    const ready = await store.preflight(call)
    if (ready.is !== 'done') return ready
    const seen = await store.read(Object.keys(plan.stores[index]?.bind ?? {}), call)
    if (seen.is !== 'done') return seen
    // The proposed value stands for the one that will be minted: same alphabet, same length. One that the provider makes is not known yet.
    if (!isChosen(plan.traits) && scene.values.new === undefined) continue
    for (const round of plan.steps) {
      if (round.do !== 'publish' || round.store !== index) continue
      const readable = store.accepts(presentOf(entriesFor({ plan, values: { old, new: next } }, index, round, seen.value.entries)))
      if (readable.is !== 'done') return readable
    }
  }
  const consumers = await consumersReady({ ...scene, values: { ...scene.values, old } }, call)
  if (consumers.is !== 'done') return consumers
  const checks = await checksGreen(scene, old, call)
  if (checks.is !== 'done') return checks
  return done({ old, evidence: { ...issuer.value.evidence, ...baseline.value, fenced: issuer.value.fenced, instances: consumers.value, ...checks.value } })
}

/** What there is before the mint: that is how a lost one is found, or what is asked where tags turn out not to be kept. */
export async function idsBefore({ cast, plan }: Pick<Scene, 'cast' | 'plan'>, call: Call): Promise<Answer<Evidence>> {
  const { locate, mint } = plan.traits
  if (mint !== 'adds' || (locate !== 'baseline' && locate !== 'tag')) return done({})
  const seen = await cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  if (!seen.value.complete && locate === 'tag') return done({})
  if (!seen.value.complete) return refused('PRECONDITION_FAILED', 'the issuer does not list all of its credentials, so a lost mint could not be found')
  return done(Object.fromEntries(seen.value.known.map(({ id, state }) => [baselineKey(id), state])))
}

/** What differs from the plan, in words; undefined when nothing does. */
function worldMoved(scene: Scene, old: Credential): string | undefined {
  const planned = scene.plan.current
  if (planned === undefined) return undefined
  if (planned.id !== old.id) return `${old.id} is in use, the plan was made for ${planned.id}`
  return planned.fingerprint === undefined || planned.fingerprint === scene.fingerprint(old) ? undefined : `another value of ${old.id} is in use than when the plan was made`
}

async function consumersReady(scene: Scene, call: Call): Promise<Answer<number>> {
  let instances = 0
  for (const [wave, consumers] of scene.cast.waves.entries()) {
    for (const [index, { consumer }] of consumers.entries()) {
      const ready = await consumer.preflight(call)
      if (ready.is !== 'done') return ready
      const listed = await consumer.instances(call)
      if (listed.is !== 'done') return listed
      const planned = scene.plan.waves[wave]?.[index]?.instances ?? []
      const absent = planned.filter((name) => !listed.value.all.some((instance) => instance.name === name))
      if (listed.value.all.length === 0 || absent.length > 0) return refused('CONSUMER_MISSING', `${consumer.title()} ${absent.map(label).join(', ')}`.trim())
      const unready = listed.value.all.filter((instance) => !instance.ready).map((instance) => instance.name)
      if (unready.length > 0) return refused('CONSUMER_UNREADY', `${consumer.title()}: ${unready.map(label).join(', ')}`)
      const attested = await holdsOld(scene, wave, index, call)
      if (attested.is !== 'done') return attested
      instances += listed.value.all.length
    }
  }
  return done(instances)
}

/**
 * Whoever will have to prove the new credential can be seen to hold the old one now. An attest that looks in the wrong place would
 * otherwise be found out only after publishing, where it stands in the way forward and back.
 */
async function holdsOld(scene: Scene, wave: number, consumer: number, call: Call): Promise<Answer<void>> {
  const until = scene.now() + ATTEST_MS
  while (true) {
    const seen = await attestAll(scene, { wave, consumer, which: 'old' }, call)
    if (seen.is !== 'done') return seen
    if (seen.value.missing.length === 0) return done(undefined)
    if (scene.now() >= until || call.signal.aborted) return refused(seen.value.code, `before anything was changed: ${seen.value.missing.join(', ')}`)
    await scene.sleep(LOOK_AGAIN_MS, call.signal)
  }
}

/** A service that opens its connections late gets this long to be seen. */
const ATTEST_MS = 5_000

/**
 * System-wide checks, then the secret's own; one that takes a credential has to fail with a wrong one first (I12). Of those for
 * afterwards the ones that compare are looked at: they have to see something, not to be green. Answers how many were green, and
 * what those saw that come again.
 */
async function checksGreen(scene: Scene, old: Credential, call: Call): Promise<Answer<Evidence>> {
  const { cast, plan } = scene
  const all: { check: Check; spec: CheckSpec | undefined; place?: CheckPlace }[] = [
    ...cast.preflight.map((check, index) => ({ check, spec: plan.preflight[index] })),
    ...cast.checks.map((check, index) => ({ check, spec: plan.checks[index], place: { list: 'secret' as const, index } })),
    ...cast.postflight.map((check, index) => ({ check, spec: plan.postflight[index], place: { list: 'postflight' as const, index } })).filter(({ check }) => check.traits.compares === true),
  ]
  const evidence: Record<string, string | number | boolean> = { checks: cast.preflight.length + cast.checks.length }
  for (const { check, spec, place } of all) {
    if (spec === undefined) continue
    const bounded = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(Math.min(spec.within, 5_000))]) }
    const as = credentialFor(spec, old)
    if (as !== undefined) {
      const wrong = await failsWithWrong(scene, check, old, bounded)
      if (wrong.is !== 'done') return wrong
    }
    const green = await untilPass(scene, check, bounded, { as })
    if (green.is === 'ask') {
      // How it is afterwards is asked then; before, only what stands under `preflight`, and that once.
      if (place !== undefined || scene.progress.confirmed.has(green.task.title)) continue
      return green
    }
    const red = green.is === 'done' ? undefined : green.evidence
    if (green.is !== 'done' && (place?.list !== 'postflight' || red?.['verdict'] !== 'fail')) return refused('PRECONDITION_FAILED', green.about ?? check.title(), red)
    if (place !== undefined) Object.assign(evidence, keptEvidence(place, green.is === 'done' ? green.value : { ...red }))
  }
  return done(evidence)
}
