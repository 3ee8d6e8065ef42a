import { randomBytes } from 'node:crypto'
import { type Call, type Credential, type Fields, KeyturnError } from '../kit/index.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import type { Membership } from '../journal/event.ts'
import { makePlan } from '../plan/make.ts'
import type { Plan } from '../plan/plan.ts'
import { isChosen } from '../plan/steps.ts'
import { withRests } from '../rollout/rests.ts'
import type { Identity } from '../sealing/identity.ts'
import { ledgerKnows, readLedger, secretKey } from '../state/ledger.ts'
import { readPause } from '../state/pause.ts'
import type { Sealed } from '../sealing/seal.ts'
import { insertRotation, listRotations, type NewRotation } from '../state/rotation.ts'
import { openCast } from '../steps/cast.ts'
import { readCurrent } from '../steps/current.ts'
import type { Engine } from './engine.ts'
import { credentialOf } from '../steps/given.ts'
import { fingerprintOf, plainFields, secretFields, Values } from '../steps/values.ts'
import { demand, imagineWorld, lookAtWorld } from '../steps/world.ts'

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
    if (!options.look) return withRests(makePlan(manifest, secret, imagineWorld(cast, secret)))
    const call: Call = { signal: AbortSignal.timeout(LOOK_MS), deadline: planner.now() + LOOK_MS, fence: 0 }
    const { identity } = options
    const key = secretKey(manifest.system, manifest.environment, name)
    const plain = plainFields(cast.issuer.traits.fields)
    const print = identity === undefined ? undefined : (credential: Parameters<typeof fingerprintOf>[2]): string => fingerprintOf(identity, key, credential, plain)
    return withRests(makePlan(manifest, secret, await lookAtWorld(cast, secret, print, call)))
  } finally {
    await cast.close()
  }
}

/** What the person or job that opens a rotation says to it. */
export interface Opening {
  readonly reason: string
  /** Take the value in the stores as the current one, though the ledger has never seen it. */
  readonly adopt?: boolean
  /** Users may feel it: needed where sessions die by design. */
  readonly acceptImpact?: boolean
  /** The secret fields of the new credential, instead of ones that the issuer proposes. */
  readonly value?: Fields
  /** The new credential itself, of a plan that takes a rotation back. */
  readonly credential?: Credential
  /** Only while no other rotation of the system is open. */
  readonly alone?: boolean
  /** Its id and with what it is begun; by itself, under an id of its own, when absent. */
  readonly as?: { readonly id: string; readonly member: Membership }
}

/**
 * Opens a rotation with this plan. Throws ROTATION_OPEN, STATE_STALE when the value in use is one that the ledger never saw, and
 * IMPACT_UNACCEPTED for a hard cut that nobody has accepted, PAUSED while the state is; VALUE_MADE or TASK_UNFIT for a given value that
 * cannot be (C-18).
 */
export async function openRotation(engine: Engine, plan: Plan, opening: Opening): Promise<string> {
  const made = await newRotation(engine, plan, opening)
  await insertRotation(engine.state, made)
  return made.id
}

/** The rotation that {@link openRotation} would open, with what it throws: for several that are opened at once. */
export async function newRotation(engine: Engine, plan: Plan, { reason, adopt = false, acceptImpact = false, value, credential, alone = false, as }: Opening): Promise<NewRotation> {
  const pause = await readPause(engine.state.db)
  if (pause !== undefined) throw new KeyturnError('PAUSED', `by ${pause.by}: ${pause.reason}`)
  const cuts = plan.strategy === 'hard-cut'
  if (cuts && !acceptImpact) throw new KeyturnError('IMPACT_UNACCEPTED', `${plan.secret}: ${plan.summary.impact}`)
  const stale = await isStale(engine, plan)
  if (stale && !adopt) {
    throw new KeyturnError('STATE_STALE', `the ledger has never seen the value of ${plan.secret} that is in use`, {
      hint: 'If somebody changed it by hand, run `keyturn adopt SECRET`, or `keyturn rotate` with --adopt; if the state was restored from a backup, bring back the newest.',
    })
  }
  const id = as?.id ?? `${plan.secret}-${new Date(engine.now()).toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(3).toString('hex')}`
  const given = value === undefined ? undefined : await sealGiven(engine, plan, id, value)
  const sealed = credential === undefined ? given : await (await Values.open(engine, id, plan, engine.host(plan.base))).seal('new', credential)
  return {
    id,
    system: plan.system,
    environment: plan.environment,
    secret: plan.secret,
    principal: plan.principal,
    alone,
    opened: { type: 'rotation-opened', at: engine.now(), body: { rotation: id, plan, version: engine.version, by: engine.by, reason, ...(stale ? { adopted: true } : {}), ...(cuts ? { impactAccepted: true } : {}), ...(given === undefined ? {} : { given: true }), ...(as === undefined ? {} : { member: as.member }) } },
    ...(sealed === undefined ? {} : { sealed: { new: sealed } }),
  }
}

/** What a person gives is sealed with the opening itself: no later step asks for it again. */
async function sealGiven(engine: Engine, plan: Plan, rotation: string, value: Fields): Promise<Sealed> {
  const { traits } = plan
  if (!isChosen(traits)) throw new KeyturnError('VALUE_MADE', plan.secret)
  const host = engine.host(plan.base)
  const cast = await openCast(plan, engine.registry, host)
  try {
    const call: Call = { signal: AbortSignal.timeout(LOOK_MS), deadline: engine.now() + LOOK_MS, fence: 0 }
    const old = demand(await readCurrent(cast, plan.stores, call))
    const wanted = secretFields(traits.fields)
    const credential = await credentialOf(value, { plan, cast, old, wanted }, call)
    return await (await Values.open(engine, rotation, plan, host)).seal('new', credential)
  } finally {
    await cast.close()
  }
}

/**
 * A ledger that has never seen the value in use belongs to the past (a restored backup) or somebody changed the value by hand.
 * Which one, only a person can say: `adopt` says that it is the latter.
 */
async function isStale(engine: Engine, plan: Plan): Promise<boolean> {
  const ledger = await readLedger(engine.state.db, secretKey(plan.system, plan.environment, plan.secret))
  if (ledger.length === 0 || plan.current?.fingerprint === undefined) return false
  return !ledgerKnows(ledger, { id: plan.current.id, fingerprint: plan.current.fingerprint })
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
