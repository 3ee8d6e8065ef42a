import { type Call, done, label } from '../kit/index.ts'
import type { Shown, Which } from '../plan/step.ts'
import { isDual } from '../plan/steps.ts'
import { stepsOf } from '../journal/steps.ts'
import { entriesFor, holds } from './entries.ts'
import type { Outcome, Scene } from './scene.ts'
import { probeAll } from './probe.ts'
import { attestAll } from './attest.ts'
import { inUse, lastAttested, saidUnused } from './watch.ts'

/** The issuer's clock may differ by this much. */
const CLOCK_MS = 60_000

/**
 * The gate before a forget, evaluated at this very moment: between publishing and forgetting somebody may have rolled back a
 * deployment, reverted a commit or started a new instance from an old template. Doubt holds it, and it says why.
 */
export async function gate(scene: Scene, step: { readonly keeps: Which; readonly beside?: Which; readonly ends: Which; readonly to: 'off' | 'gone' }, call: Call): Promise<Outcome> {
  const shown: Shown = { which: step.keeps, ...(step.beside === undefined ? {} : { beside: step.beside }) }
  const reasons: string[] = []
  const evidence: Record<string, string | number> = {}
  const consumers = await consumersHold(scene, shown, call, evidence)
  reasons.push(...consumers.reasons, ...(await storesHold(scene, shown, call)), ...withinPlan(scene))
  if (scene.plan.traits.acceptor === 'issuer') {
    const kept = await probeAll(scene, step.keeps, call)
    if (kept.verdict === 'inconclusive') reasons.push(`no verdict on the ${step.keeps} credential from ${kept.silent.join(', ')}`)
    else if (kept.verdict !== 'accepted') reasons.push(`the ${step.keeps} credential is not accepted now`)
    reasons.push(...(await unused(scene, step.ends, call)))
  }
  const unproven = consumers.none ? 'no consumer is named' : consumers.inferred ? 'a consumer is only inferred to hold the value' : undefined
  if (unproven !== undefined && !stepsOf(scene.progress).some((each) => each.do === 'watch' && scene.progress.done.has(each.id))) {
    reasons.push(`${unproven}, and usage was not watched`)
  }
  if (reasons.length > 0) return { is: 'held', reasons, stale: consumers.stale }
  const until = aliveUntil(scene)
  if (scene.now() < until) return { is: 'held', reasons: [`an instance presented another key again: what it signed may be alive until ${new Date(until).toISOString()}`], again: until }
  return done({ ...evidence, stores: scene.plan.stores.length, keeps: step.keeps })
}

/** Up to when something may be alive that was signed by an instance which this gate has seen with another key; 0 when it has seen none. */
function aliveUntil({ plan, progress }: Scene): number {
  return isDual(plan) && progress.staleAt !== undefined ? progress.staleAt + (plan.timing.tokens?.life ?? 0) : 0
}

/** Every consumer is listed twice, equal both times, and every instance proves the credential. */
async function consumersHold(scene: Scene, shown: Shown, call: Call, evidence: Record<string, string | number>): Promise<{ reasons: string[]; inferred: boolean; none: boolean; stale: boolean }> {
  const reasons: string[] = []
  let inferred = false
  let stale = false
  let instances = 0
  for (const [wave, consumers] of scene.plan.waves.entries()) {
    for (const [consumer, planned] of consumers.entries()) {
      const seen = await attestAll(scene, { wave, consumer, ...shown }, call)
      const again = await scene.cast.waves[wave]?.[consumer]?.consumer.instances(call)
      if (seen.is !== 'done' || again?.is !== 'done') {
        reasons.push(`${planned.title} gives no answer`)
        continue
      }
      reasons.push(...seen.value.missing.map((each) => `${planned.title}: ${each}`))
      if (!again.value.complete) reasons.push(`${planned.title} does not list all of its instances`)
      if (again.value.all.map((instance) => instance.id).sort().join() !== seen.value.ids.join()) reasons.push(`${planned.title}: instances come and go`)
      inferred ||= seen.value.inferred
      stale ||= seen.value.stale
      instances += seen.value.ids.length
    }
  }
  evidence['instances'] = instances
  return { reasons, inferred, none: scene.plan.waves.flat().length === 0, stale }
}

/** Every store still holds what was published. */
async function storesHold(scene: Scene, shown: Shown, call: Call): Promise<string[]> {
  const reasons: string[] = []
  for (const [index, store] of scene.cast.stores.entries()) {
    const title = scene.plan.stores[index]?.title ?? ''
    const seen = await store.read(Object.keys(scene.plan.stores[index]?.bind ?? {}), call)
    if (seen.is !== 'done') {
      reasons.push(`${title} cannot be read`)
      continue
    }
    const wanted = entriesFor(scene, index, shown, seen.value.entries)
    const wrong = Object.entries(wanted).filter(([key, value]) => !holds(seen.value.entries, { [key]: value })).map(([key]) => key)
    if (wrong.length > 0) reasons.push(`${title} no longer holds the ${shown.which} value in ${wrong.map(label).join(', ')}`)
  }
  return reasons
}

/** The manifest may have gained a store or a consumer since the plan was made: nobody has told that one. */
function withinPlan(scene: Scene): string[] {
  if (scene.outOfManifest === true) return ['the manifest no longer names the secret, so nobody knows who else uses it now']
  const planned = new Set([...scene.plan.stores, ...scene.plan.waves.flat()].map((each) => each.key))
  return (scene.manifestKeys ?? []).filter((key) => !planned.has(key)).map((key) => `the manifest names ${label(key)}, which the plan does not know`)
}

/** The issuer shows no use at all, and the manifest (`quiet: 0s`) or a person does without it; the consumers' proofs stand alone then. */
function doneWithoutUsage(scene: Scene, seenUpTo: number): boolean {
  return saidUnused(scene) || (seenUpTo === 0 && scene.plan.timing.quiet === 0)
}

/** Nobody uses it now, the issuer sees everything, and its clock agrees with ours. */
async function unused(scene: Scene, ends: Which, call: Call): Promise<string[]> {
  const before = scene.now()
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return [`the issuer does not say who uses the ${ends} credential${seen.is === 'ask' ? '' : ` (${[seen.code, seen.about].filter(Boolean).join(' ')})`}`]
  const { clock, complete, seenUpTo } = seen.value
  const reasons = inUse(scene, ends, seen.value)
  const without = doneWithoutUsage(scene, seenUpTo)
  if (!complete && !without) reasons.push('the issuer does not list all of its credentials')
  if (seenUpTo < lastAttested(scene) - CLOCK_MS && !without) reasons.push('the issuer has not seen the time since the last consumer took the new one')
  if (clock !== undefined && (clock < before - CLOCK_MS || clock > scene.now() + CLOCK_MS)) reasons.push(`the issuer's clock differs by ${Math.round(Math.abs(clock - before) / 1000)} s`)
  if (scene.now() < scene.progress.lastAt - CLOCK_MS) reasons.push('the clock went back')
  return reasons
}
