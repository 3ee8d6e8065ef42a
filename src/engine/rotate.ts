import { randomBytes } from 'node:crypto'
import { type Call, KeyturnError } from '../kit/index.ts'
import type { Manifest, SecretSpec, Used } from '../manifest/model.ts'
import { makePlan } from '../plan/make.ts'
import type { Plan, Preconditions } from '../plan/plan.ts'
import type { Identity } from '../state/identity.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { insertRotation, listRotations } from '../state/rotation.ts'
import { canonicalJson } from './receipt.ts'
import { openCast } from './cast.ts'
import type { Engine } from './engine.ts'
import { fingerprintOf, plainFields } from './values.ts'
import { imagineWorld, lookAtWorld } from './world.ts'

/** How long looking at the world for a plan may take. */
const LOOK_MS = 30_000

/** Everything that planning needs of an engine: no state is touched. */
export type Planner = Pick<Engine, 'registry' | 'host' | 'now'>

/** The secret of this name. Throws SECRET_UNKNOWN. */
export function secretOf(manifest: Manifest, name: string): SecretSpec {
  const secret = manifest.secrets[name]
  if (secret === undefined) throw new KeyturnError('SECRET_UNKNOWN', name, { hint: `The manifest has: ${Object.keys(manifest.secrets).join(', ')}.` })
  return secret
}

/**
 * Makes the plan of one secret. With `look`, the world is read (and nothing changed); without, the plan says only what the
 * manifest alone can tell. `identity` adds the fingerprint of the value in use.
 */
export async function planSecret(planner: Planner, manifest: Manifest, name: string, options: { readonly look: boolean; readonly identity?: Identity }): Promise<Plan> {
  const secret = secretOf(manifest, name)
  const cast = await openCast({ ...secret, preflight: manifest.preflight, postflight: manifest.postflight }, planner.registry, planner.host(manifest.base))
  try {
    if (!options.look) return makePlan(manifest, secret, imagineWorld(cast, secret))
    const call: Call = { signal: AbortSignal.timeout(LOOK_MS), deadline: planner.now() + LOOK_MS, fence: 0 }
    const { identity } = options
    const key = secretKey(manifest.system, manifest.environment, name)
    const plain = plainFields(cast.issuer.traits.fields)
    const print = identity === undefined ? undefined : (credential: Parameters<typeof fingerprintOf>[2]): string => fingerprintOf(identity, key, credential, plain)
    return makePlan(manifest, secret, await lookAtWorld(cast, secret, print, call))
  } finally {
    await cast.close()
  }
}

/** What differs between two plans' worlds, in words; empty when the plan can be carried out as it is. */
export function worldDifference(planned: Preconditions, seen: Preconditions): string[] {
  const differences: string[] = []
  // A plan made before there was an identity knows ids, not fingerprints.
  const same = planned.current === undefined || seen.current === undefined || `${seen.current} `.startsWith(`${planned.current} `)
  if (!same) differences.push('another credential is in use')
  const keys = (of: Readonly<Record<string, unknown>>): string => Object.keys(of).sort().join(' ')
  if (keys(planned.stores) !== keys(seen.stores)) differences.push('the stores are others')
  if (JSON.stringify(Object.entries(planned.consumers).sort()) !== JSON.stringify(Object.entries(seen.consumers).sort())) differences.push('the consumers or their instances are others')
  return differences
}

/** Everything of a plan that was decided by people: what a reviewer said yes to, wherever it stands in the manifest. */
export function substanceOf(plan: Plan): string {
  const used = ({ use, config }: Used): Used => ({ use, config }) as Used
  const checks = (list: Plan['checks']): unknown[] => list.map((check) => ({ ...used(check), as: check.as, within: check.within }))
  return canonicalJson({
    system: plan.system, environment: plan.environment, strategy: plan.strategy, principal: plan.principal, endpoints: plan.endpoints, back: plan.back,
    issuer: used(plan.issuer),
    stores: plan.stores.map((store) => ({ ...used(store), bind: store.bind })),
    waves: plan.waves.map((wave) => wave.map((consumer) => ({ ...used(consumer), attest: consumer.attest === undefined ? undefined : used(consumer.attest) }))),
    checks: checks(plan.checks), preflight: checks(plan.preflight), postflight: checks(plan.postflight),
  })
}

/** Opens a rotation with this plan. Throws ROTATION_OPEN, and STATE_STALE when the value in use is one that the ledger never saw. */
export async function openRotation(engine: Engine, plan: Plan, reason: string, adopt: boolean): Promise<string> {
  await refuseStale(engine, plan, adopt)
  const id = `${plan.secret}-${new Date(engine.now()).toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(3).toString('hex')}`
  await insertRotation(engine.state.db, {
    id,
    system: plan.system,
    environment: plan.environment,
    secret: plan.secret,
    principal: plan.principal,
    opened: { type: 'rotation-opened', at: engine.now(), body: { rotation: id, plan, version: engine.version, by: engine.by, reason } },
  })
  return id
}

/**
 * A ledger that has never seen the value in use belongs to the past (a restored backup) or somebody changed the value by hand.
 * Which one, only a person can say: `adopt` says that it is the latter.
 */
async function refuseStale(engine: Engine, plan: Plan, adopt: boolean): Promise<void> {
  const ledger = await readLedger(engine.state.db, secretKey(plan.system, plan.environment, plan.secret))
  const known = ledger.some((row) => row.provider_id === plan.current?.id && row.fingerprint === plan.current?.fingerprint && row.state !== 'gone')
  if (adopt || ledger.length === 0 || plan.current?.fingerprint === undefined || known) return
  throw new KeyturnError('STATE_STALE', `the ledger has never seen the value of ${plan.secret} that is in use`, {
    hint: 'If somebody changed it by hand, run `keyturn rotate` with --adopt; if the state was restored from a backup, bring back the newest.',
  })
}

/** The open rotation of a secret, or undefined. */
export async function openRotationOf(engine: Pick<Engine, 'state'>, manifest: Pick<Manifest, 'system' | 'environment'>, secret: string): Promise<string | undefined> {
  const [open] = await listRotations(engine.state.db, { system: manifest.system, environment: manifest.environment, secret, open: true })
  return open?.id
}

/** The keys of the stores and consumers that the manifest names for a secret now; the gate compares them with the plan's. */
export async function keysOf(planner: Planner, manifest: Manifest, name: string): Promise<string[] | undefined> {
  const secret = manifest.secrets[name]
  if (secret === undefined) return undefined
  const cast = await openCast({ ...secret, preflight: [], postflight: [] }, planner.registry, planner.host(manifest.base))
  try {
    return [...cast.stores.map((store) => store.identity()), ...cast.waves.flat().map((member) => member.consumer.identity())]
  } finally {
    await cast.close()
  }
}
