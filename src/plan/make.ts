import type { ConsumerTraits, Evidence, Fields, IssuerTraits, Ms, Preflight, ResourceKey } from '../kit/index.ts'
import type { CheckSpec, Manifest, SecretSpec } from '../manifest/model.ts'
import type { Plan, PlannedCheck, PlannedConsumer, PlannedStore, Preconditions, Summary } from './plan.ts'
import { backSteps, forwardSteps, isDual, isOneWay, type Layout, overlaps } from './steps.ts'

/** What was seen of the world before planning; parts that were not looked at are absent. */
export interface World {
  readonly issuer: { readonly key: ResourceKey; readonly traits: IssuerTraits; readonly endpoints: readonly string[]; readonly preflight?: Preflight }
  readonly current?: { readonly id: string; readonly fields: Fields; readonly fingerprint?: string }
  readonly next?: { readonly id: string }
  /** The rotation that is taken back, when one is: then `next` is the credential from before it. */
  readonly takesBack?: string
  /** In the manifest's order. */
  readonly stores: readonly { readonly key: ResourceKey; readonly title: string; readonly fingerprint?: string; readonly notices: readonly string[]; readonly readable: boolean }[]
  /** In the manifest's order. */
  readonly waves: readonly (readonly SeenConsumer[])[]
  /** Titles of the checks, in the manifest's order. */
  readonly checks?: { readonly secret: readonly string[]; readonly preflight: readonly string[]; readonly postflight: readonly string[] }
}

export interface SeenConsumer {
  readonly key: ResourceKey
  readonly title: string
  readonly traits: ConsumerTraits
  readonly proof: string
  readonly instances: readonly string[]
  readonly notices: readonly string[]
}

/** Makes the plan of one rotation. Pure: the same manifest and the same world give the same plan. */
export function makePlan(manifest: Manifest, secret: SecretSpec, world: World): Plan {
  const stores: PlannedStore[] = secret.stores.map((store, index) => ({ ...store, key: world.stores[index]?.key ?? '', title: world.stores[index]?.title ?? '' }))
  const waves = secret.waves.map((wave, w) => wave.map((consumer, c): PlannedConsumer => {
    const seen = world.waves[w]?.[c]
    return { ...consumer, key: seen?.key ?? '', title: seen?.title ?? '', instances: seen?.instances ?? [], proof: seen?.proof ?? 'none', reload: seen?.traits.reload ?? 'restart' }
  }))
  const takesBack = world.takesBack === undefined ? {} : { takesBack: world.takesBack }
  const layout: Layout = {
    strategy: secret.strategy,
    traits: world.issuer.traits,
    stores: stores.length,
    waves: waves.map((wave) => wave.length),
    checks: secret.checks.length,
    postflight: manifest.postflight.length,
    timing: secret.timing,
    shows: secret.checks.some((check) => check.as !== undefined),
    names: stores.some(({ bind }) => Object.values(bind).some(({ slot }) => slot === 'new' || slot === 'old')),
    within: { secret: within(secret.checks), postflight: within(manifest.postflight) },
    ...takesBack,
  }
  const steps = forwardSteps(layout)
  return {
    format: 1,
    system: manifest.system,
    environment: manifest.environment,
    secret: secret.name,
    ...(secret.owner === undefined ? {} : { owner: secret.owner }),
    base: manifest.base,
    strategy: secret.strategy,
    ...(manifest.sealing === undefined ? {} : { sealing: manifest.sealing }),
    principal: world.issuer.key,
    issuer: secret.issuer,
    endpoints: world.issuer.endpoints,
    traits: world.issuer.traits,
    ...(world.current === undefined ? {} : { current: { id: world.current.id, ...(world.current.fingerprint === undefined ? {} : { fingerprint: world.current.fingerprint }) } }),
    ...(world.next === undefined ? {} : { next: world.next }),
    ...takesBack,
    stores,
    waves,
    checks: titled(secret.checks, world.checks?.secret),
    preflight: titled(manifest.preflight, world.checks?.preflight),
    postflight: titled(manifest.postflight, world.checks?.postflight),
    timing: secret.timing,
    steps,
    back: backSteps(layout),
    summary: summarise(secret, manifest.postflight, world, layout, steps.find((step) => (step.do === 'set' && step.to === 'gone') || (step.do === 'publish' && step.phase === 'forget'))?.id),
    preconditions: preconditionsOf(world),
  }
}

function titled(checks: readonly CheckSpec[], titles: readonly string[] | undefined): PlannedCheck[] {
  return checks.map((check, index) => ({ ...check, ...(titles?.[index] === undefined ? {} : { title: titles[index] }) }))
}

function within(checks: readonly CheckSpec[]): Ms[] {
  return checks.map((check) => check.within + (check.for ?? 0))
}

/** Of one effect or look at a system that is well: only for the estimate. */
const STEP_MS = 200

function summarise(secret: SecretSpec, postflight: readonly CheckSpec[], world: World, layout: Layout, gone: string | undefined): Summary {
  const rounds = isDual(layout) ? 3 : layout.names === true ? 2 : 1
  const reloads = rounds * world.waves.flat().reduce((sum, consumer) => sum + consumer.traits.takes * Math.max(1, consumer.instances.length), 0)
  const takes = reloads + STEP_MS * (4 + layout.stores + layout.waves.length + layout.checks)
  const overlap = overlaps(layout)
  const oneWay = isOneWay(layout)
  const { grace, quiet, undo, tokens } = secret.timing
  const waits = isDual(layout) ? grace + (tokens?.cache ?? 0) : overlap ? grace + quiet + (layout.traits.ends.length > 1 ? undo : 0) : 0
  const observed = Math.max(0, ...[...secret.checks, ...postflight].map((check) => check.for ?? 0))
  const evidence: Evidence = world.issuer.preflight?.evidence ?? {}
  return {
    impact: secret.impact,
    gap: overlap ? 0 : reloads + STEP_MS * (1 + layout.stores),
    takes,
    until: takes + waits + observed,
    slots: { needed: overlap ? 2 : 1, has: layout.traits.slots },
    ...(world.issuer.preflight === undefined ? {} : { fenced: world.issuer.preflight.fenced }),
    ...(oneWay ? { pointOfNoReturn: 'mint' } : gone === undefined ? {} : { pointOfNoReturn: gone }),
    notRestored: notRestored(world, overlap, oneWay),
    notices: [...asked(world), ...notEnded(layout, overlap), ...(world.waves.flat().length === 0 ? ['no consumer is named: nobody is told of the new value'] : []), ...(world.issuer.preflight?.notices ?? []), ...world.stores.flatMap((store) => store.notices), ...world.waves.flat().flatMap((consumer) => [...consumer.notices, ...weakProof(consumer)])],
    evidence,
  }
}

function notRestored(world: World, overlap: boolean, oneWay: boolean): string[] {
  const lost = world.issuer.traits.acceptor === 'consumers' && overlap ? [] : overlap ? ['sessions of the old credential that are ended when it is turned off'] : ['logins that fail between the change and the reload']
  if (oneWay) lost.push('the old value: the provider makes the new one, and nobody can make the old one again')
  if (world.stores.some((store) => !store.readable)) lost.push('the old value: a store cannot be read, so there is no rollback and no proof of death')
  return lost
}

/** What people are asked to do, beside checks, whose titles say it. */
function asked({ issuer: { traits: { asks = [] } }, waves }: World): string[] {
  const reloads = waves.flat().filter((consumer) => consumer.traits.asks === true).map((consumer) => `reload ${consumer.title}`)
  const tasks = [...(asks.includes('mint') ? ['make the new credential'] : []), ...reloads, ...(asks.includes('off') ? ['turn the old one off'] : []), ...(asks.includes('gone') ? ['end the old one'] : [])]
  return tasks.length === 0 ? [] : [`people are asked to ${tasks.join(', ')}: the rotation waits for them`]
}

function notEnded({ traits }: Layout, overlap: boolean): string[] {
  if (!overlap || traits.ends.length > 0 || traits.acceptor === 'consumers') return []
  return ['the provider ends the old credential in its own time: this rotation does not end it, and does not prove it dead']
}

function weakProof(consumer: SeenConsumer): string[] {
  if (consumer.proof !== 'inferred' && consumer.proof !== 'none') return []
  if (consumer.traits.receivers === true) return [`${consumer.title}: the word of each is the proof, unless usage is seen to be quiet`]
  return [`${consumer.title} cannot prove what it holds: the gate needs quiet usage of the old credential`]
}

function preconditionsOf(world: World): Preconditions {
  return {
    ...(world.current === undefined ? {} : { current: `${world.current.id} ${world.current.fingerprint ?? ''}`.trim() }),
    stores: Object.fromEntries(world.stores.map((store) => [store.key, store.fingerprint ?? ''])),
    consumers: Object.fromEntries(world.waves.flat().map((consumer) => [consumer.key, consumer.instances])),
  }
}
