import type { Engine } from '../engine/engine.ts'
import { type Call, type Credential, type Issuer, KeyturnError } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import { unseal } from '../sealing/seal.ts'
import { readSealed, secretKey } from '../state/ledger.ts'
import { listRotations, type RotationRow } from '../state/rotation.ts'
import { credentialIn } from '../steps/snapshot.ts'
import { fingerprintOf, openSealers, plainFields } from '../steps/values.ts'
import { openSnapshot } from './snapshots.ts'

/** A rotation that is done, and what its values are looked for with. */
export interface Held {
  readonly engine: Pick<Engine, 'state' | 'registry' | 'host'>
  readonly row: RotationRow
  /** Of that rotation. */
  readonly plan: Plan
  readonly issuer: Issuer
  readonly call: Call
}

/**
 * The credential that was in use before a rotation: from its snapshot, or as the new one of the rotation before it. Only what has the
 * fingerprint that its plan recorded counts (I5). Undefined when it is held nowhere. Throws IDENTITY_MISSING, SEAL_BROKEN.
 */
export async function heldBefore(held: Held): Promise<Credential | undefined> {
  const { engine, row, plan, issuer, call } = held
  const snapshot = await openSnapshot(engine, row, plan)
  const kept = snapshot === undefined ? undefined : await credentialIn(snapshot, 'before', plan, issuer, call)
  if (kept !== undefined && isRecorded(held, kept)) return kept
  const { system, environment, secret } = row
  for (const earlier of await listRotations(engine.state.db, { system, environment, secret })) {
    const ended = earlier.opened_at < row.opened_at ? await sealedNew(held, earlier) : undefined
    if (ended !== undefined && isRecorded(held, ended)) return ended
  }
  return undefined
}

/** The credential that a rotation ended with; undefined when it is held nowhere. */
export async function heldSince(held: Held): Promise<Credential | undefined> {
  const { engine, row, plan, issuer, call } = held
  const ended = await sealedNew(held, row)
  if (ended !== undefined) return ended
  const snapshot = await openSnapshot(engine, row, plan)
  return snapshot === undefined ? undefined : credentialIn(snapshot, 'after', plan, issuer, call)
}

/** The keyed fingerprint of a credential of the secret. Throws IDENTITY_MISSING. */
export function printOf({ engine, row, plan }: Omit<Held, 'issuer' | 'call'>): (credential: Credential) => string {
  const { identity } = engine.state
  if (identity === undefined) throw new KeyturnError('IDENTITY_MISSING')
  return (credential) => fingerprintOf(identity, secretKey(row.system, row.environment, row.secret), credential, plainFields(plan.traits.fields))
}

function isRecorded(held: Held, credential: Credential): boolean {
  const { id, fingerprint } = held.plan.current ?? {}
  return id === credential.id && (fingerprint === undefined || fingerprint === printOf(held)(credential))
}

async function sealedNew({ engine, plan }: Held, row: RotationRow): Promise<Credential | undefined> {
  const { db, identity } = engine.state
  const sealed = await readSealed(db, row.id, 'new')
  if (sealed === undefined || identity === undefined) return undefined
  const sealers = await openSealers(identity, plan.sealing, engine.registry, engine.host(plan.base))
  return unseal(sealed, { rotation: row.id, name: 'new', secret: secretKey(row.system, row.environment, row.secret) }, ...sealers)
}
