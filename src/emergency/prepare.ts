import { randomBytes } from 'node:crypto'
import type { Engine } from '../engine/engine.ts'
import { secretOf } from '../engine/rotate.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { type Call, type Credential, KeyturnError } from '../kit/index.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import { makePlan } from '../plan/make.ts'
import type { Emergency, Plan } from '../plan/plan.ts'
import { overlaps } from '../plan/steps.ts'
import type { Sealed } from '../sealing/seal.ts'
import { secretKey } from '../state/ledger.ts'
import { listRotations } from '../state/rotation.ts'
import { type Cast, openCast } from '../steps/cast.ts'
import { readCurrent } from '../steps/current.ts'
import { fingerprintOf, plainFields, Values } from '../steps/values.ts'
import { demand, imagineWorld } from '../steps/world.ts'
import { broughtBy, holdsCredential } from './branch.ts'
import { estimatesOf } from './estimate.ts'
import { inLedger, type Live } from './inherit.ts'
import { lookUrgently } from './look.ts'

/** How long looking may take before anything is ended. */
const LOOK_MS = 15_000

/** An emergency of one secret before it begins: everything was looked at, and nothing changed. */
export interface Prepared {
  readonly secret: SecretSpec
  /** As of any rotation; its steps are put in the order of an emergency when it is opened. */
  readonly plan: Plan
  readonly old: Credential & { readonly fingerprint: string }
  /** The id of the rotation that it will be, and the credential in use sealed for it. */
  readonly id: string
  readonly sealedOld: Sealed
  /** Of the ledger. */
  readonly live: readonly Live[]
  /** The rotation whose place it takes. */
  readonly open?: { readonly id: string; readonly progress: Progress }
  readonly estimates: Emergency['estimates']
  /** What keyturn logs in with for this secret: no emergency of another secret may end that before this one is done. */
  readonly worksWith: readonly string[]
}

/**
 * Looks at a secret for an emergency. Throws OWN_CREDENTIAL when forgetting first would end what keyturn needs to make a new one,
 * what keeps the issuer from ending anything (RIGHTS_MISSING, UNREACHABLE), and what keeps the credential in use from being known.
 */
export async function prepareEmergency(engine: Engine, manifest: Manifest, name: string, order: Emergency['order']): Promise<Prepared> {
  const secret = secretOf(manifest, name)
  const { identity } = engine.state
  if (identity === undefined) throw new KeyturnError('IDENTITY_MISSING')
  const host = engine.host(manifest.base)
  const call: Call = { signal: AbortSignal.any([engine.interrupt, AbortSignal.timeout(LOOK_MS)]), deadline: engine.now() + LOOK_MS, fence: 0 }
  const cast = await openCast({ ...secret, preflight: manifest.preflight, postflight: manifest.postflight }, engine.registry, host)
  try {
    const open = await openOf(engine, manifest, name)
    const current = await currentOf(engine, cast, secret, open, call)
    for (const value of Object.values(current.fields)) if (value.reveal() !== current.id) host.conceal(value)
    const old = { ...current, fingerprint: fingerprintOf(identity, secretKey(manifest.system, manifest.environment, name), current, plainFields(cast.issuer.traits.fields)) }
    const id = `${name}-${new Date(engine.now()).toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(3).toString('hex')}`
    const offline = makePlan(manifest, secret, imagineWorld(cast, secret))
    const [world, worksWith, live, sealedOld] = await Promise.all([
      lookUrgently(cast, secret, old, order === 'mint-first', call),
      broughtBy([secret.issuer.config, manifest.sealing?.config, manifest.state], host),
      inLedger(engine, { system: manifest.system, environment: manifest.environment, secret: name }, { current: old, open: open?.id }),
      // While the issuer is asked: it takes time, and time is exposure.
      Values.open(engine, id, offline, host).then((values) => values.seal('old', old)),
    ])
    const plan = makePlan(manifest, secret, demand(world))
    if (order === 'forget-first' && overlaps(plan) && holdsCredential(worksWith, old, plan.traits)) throw new KeyturnError('OWN_CREDENTIAL', `${name} (${old.id})`)
    return { secret, plan, old, id, sealedOld, live, estimates: estimatesOf(plan), worksWith, ...(open === undefined ? {} : { open }) }
  } finally {
    await cast.close()
  }
}

async function openOf(engine: Engine, manifest: Manifest, name: string): Promise<Prepared['open']> {
  const [row] = await listRotations(engine.state.db, { system: manifest.system, environment: manifest.environment, secret: name, open: true })
  return row === undefined ? undefined : { id: row.id, progress: foldProgress((await readEvents(engine, row.id)).events) }
}

/**
 * The credential in use. In the middle of a rotation the stores may differ, and one may be out of reach: then what that rotation has
 * sealed is known, and of the two either may be called the one in use, since both are ended.
 */
async function currentOf(engine: Engine, cast: Cast, secret: SecretSpec, open: Prepared['open'], call: Call): Promise<Credential> {
  const read = await readCurrent(cast, secret.stores, call)
  if (read.is === 'done' || open === undefined) return demand(read)
  const values = await Values.open(engine, open.id, open.progress.plan, engine.host(open.progress.plan.base))
  return values.old ?? demand(read)
}
