import { type Answer, type Call, type Code, type Credential, done, type Preflight, refused } from '../kit/index.ts'
import type { SecretSpec } from '../manifest/model.ts'
import type { World } from '../plan/make.ts'
import { isChosen } from '../plan/steps.ts'
import type { Cast } from '../steps/cast.ts'
import { imagineWorld } from '../steps/world.ts'

/** So long consumers may take to say how many they are: it is only for the estimate. */
const COUNT_MS = 2_000

/** Refusals of an issuer's preflight that are no reason to leave a compromised credential alive: a slot is free when it is ended. */
const FREED: ReadonlySet<Code> = new Set<Code>(['SLOTS_FULL', 'CREDENTIAL_REJECTED', 'PRECONDITION_FAILED', 'PROBE_MEANINGLESS'])

/**
 * Looks only at what ending needs: whether the issuer can be reached with the rights for it. What is not well with stores, consumers
 * and checks is left for later. Answers the world for a plan, or why nothing can be ended. `strict` where the new one is made first.
 */
export async function lookUrgently(cast: Cast, secret: SecretSpec, old: Credential & { readonly fingerprint?: string }, strict: boolean, call: Call): Promise<Answer<World>> {
  const imagined = imagineWorld(cast, secret)
  const next = cast.issuer.propose(old)
  const [preflight, waves] = await Promise.all([cast.issuer.preflight(old, next.id, call), Promise.all(imagined.waves.map((wave, w) => Promise.all(wave.map(async (seen, c) => ({ ...seen, instances: await namesOf(cast, w, c, call) })))))])
  const ahead = tolerated(preflight, cast, strict)
  if (ahead.is !== 'done') return ahead
  const foreseen = isChosen(cast.issuer.traits) && cast.issuer.propose(old).id === next.id
  return done({
    ...imagined,
    waves,
    issuer: { ...imagined.issuer, key: ahead.value?.principal ?? imagined.issuer.key, ...(ahead.value === undefined ? {} : { preflight: ahead.value }) },
    current: old,
    ...(foreseen ? { next: { id: next.id } } : {}),
  })
}

/** What the issuer said; undefined where it refused for something that ending the old one mends. */
function tolerated(preflight: Answer<Preflight>, { issuer }: Cast, strict: boolean): Answer<Preflight | undefined> {
  if (preflight.is !== 'refused' || strict) return preflight
  // Of a pair it is the other one that is in use, and that one is ended, too; where the provider makes the value it is keyturn's own.
  if (preflight.code === 'PRINCIPAL_IN_USE') return isChosen(issuer.traits) ? done(undefined) : refused('OWN_CREDENTIAL', preflight.about)
  return FREED.has(preflight.code) ? done(undefined) : preflight
}

async function namesOf(cast: Cast, wave: number, index: number, call: Call): Promise<string[]> {
  const bounded = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(COUNT_MS)]) }
  const late = new Promise<undefined>((resolve) => bounded.signal.addEventListener('abort', () => resolve(undefined), { once: true }))
  const listed = await Promise.race([cast.waves[wave]?.[index]?.consumer.instances(bounded), late])
  return listed?.is === 'done' ? listed.value.all.map(({ name }) => name).sort() : []
}
