import type { Engine } from '../engine/engine.ts'
import { openRotationOf, secretOf } from '../engine/rotate.ts'
import { type Answer, type Call, type Credential, done, type Evidence, KeyturnError, label, refused } from '../kit/index.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import type { Runtime } from '../runtime.ts'
import { ledgerKnows, readLedger, secretKey } from '../state/ledger.ts'
import { appendNote } from '../state/note.ts'
import { attestAll } from '../steps/attest.ts'
import { type Cast, openCast } from '../steps/cast.ts'
import { readCurrent } from '../steps/current.ts'
import { standingScene, wrongBudget, wrongOf } from '../steps/standing.ts'
import { fingerprintOf, plainFields } from '../steps/values.ts'
import { demand } from '../steps/world.ts'
import { type Watcher, withEngine } from './follow.ts'

/** How long looking at the stores and the acceptors may take. */
const LOOK_MS = 30_000

/** What the ledger says of a value that was adopted. */
export interface Adopted {
  readonly secret: string
  /** The provider's name for the credential. */
  readonly credential: string
  readonly fingerprint: string
  /** False when the ledger had it already: nothing was written then. */
  readonly adopted: boolean
  /** The number of the note that says so; absent when nothing was written. */
  readonly note?: number
  /** What the acceptors said. */
  readonly evidence: Evidence
}

/**
 * Takes the value in the stores as the current one: somebody changed it by hand, or keyturn has never seen it (S0-03). The stores have to
 * agree on it and its acceptors have to accept it now; only its fingerprint is kept. Written into the notes of the state with the
 * ledger, in one transaction; nothing outside is changed. May be repeated. Throws ROTATION_OPEN while a rotation of the secret is open,
 * IDENTITY_MISSING, and whatever the stores or the acceptors refuse.
 */
export async function adoptSecret(engine: Engine, manifest: Manifest, name: string, reason: string): Promise<Adopted> {
  const secret = secretOf(manifest, name)
  const { identity } = engine.state
  if (identity === undefined) throw new KeyturnError('IDENTITY_MISSING')
  const open = await openRotationOf(engine, manifest, name)
  if (open !== undefined) throw new KeyturnError('ROTATION_OPEN', open)
  const host = engine.host(manifest.base)
  const cast = await openCast({ ...secret, checks: [], preflight: [], postflight: [] }, engine.registry, host)
  try {
    const call: Call = { signal: AbortSignal.any([engine.interrupt, AbortSignal.timeout(LOOK_MS)]), deadline: engine.now() + LOOK_MS, fence: 0 }
    const current = demand(await readCurrent(cast, secret.stores, call))
    for (const value of Object.values(current.fields)) if (value.reveal() !== current.id) host.conceal(value)
    const evidence = demand(await accepted(engine, manifest, secret, cast, current, call))
    const key = secretKey(manifest.system, manifest.environment, name)
    const fingerprint = fingerprintOf(identity, key, current, plainFields(cast.issuer.traits.fields))
    const seen = { secret: name, credential: current.id, fingerprint, evidence }
    if (ledgerKnows(await readLedger(engine.state.db, key), { id: current.id, fingerprint })) return { ...seen, adopted: false }
    const { system, environment } = manifest
    const note = await appendNote(
      engine.state,
      { type: 'secret-adopted', at: engine.now(), body: { system, environment, ...seen, by: engine.by, reason, version: engine.version } },
      [{ secretKey: key, providerId: current.id, fingerprint, state: 'presented' }],
    )
    return { ...seen, adopted: true, note }
  } finally {
    await cast.close()
  }
}

/** What its acceptors say of the credential: the issuer at every endpoint, or every consumer where nobody else knows the value. */
async function accepted(engine: Engine, manifest: Manifest, secret: SecretSpec, cast: Cast, current: Credential, call: Call): Promise<Answer<Evidence>> {
  if (cast.issuer.traits.acceptor === 'issuer') return acceptedByIssuer(cast, current, call)
  const scene = standingScene(engine, manifest, secret, cast, current)
  const evidence: Record<string, string> = {}
  for (const [wave, consumers] of cast.waves.entries()) {
    for (const [consumer, member] of consumers.entries()) {
      const seen = await attestAll(scene, { wave, consumer, which: 'old' }, call)
      if (seen.is !== 'done') return seen
      if (seen.value.missing.length > 0) return refused(seen.value.code, seen.value.missing.join(', '))
      evidence[label(member.consumer.title())] = seen.value.inferred ? 'inferred' : 'attested'
    }
  }
  return done(Object.keys(evidence).length === 0 ? { proof: 'none' } : evidence)
}

/** A fresh login with it at each endpoint; before that one with a wrong value, where no lockout forbids it, which has to be rejected. */
async function acceptedByIssuer({ issuer }: Cast, current: Credential, call: Call): Promise<Answer<Evidence>> {
  const endpoints = issuer.endpoints()
  const evidence: Record<string, string> = {}
  for (const endpoint of endpoints) {
    if (wrongBudget(issuer.traits) >= endpoints.length) {
      const wrong = await issuer.probe(wrongOf(current, issuer.traits), endpoint, call)
      if (wrong.is !== 'done') return wrong
      if (wrong.value.verdict === 'accepted') return refused('PROBE_MEANINGLESS', endpoint)
      evidence[`wrong at ${endpoint}`] = label(`${wrong.value.verdict}:${wrong.value.code}`)
    }
    const seen = await issuer.probe(current, endpoint, call)
    if (seen.is !== 'done') return seen
    const { verdict, code } = seen.value
    if (verdict === 'rejected') return refused('CREDENTIAL_REJECTED', `${endpoint} (${label(code)})`)
    if (verdict === 'inconclusive') return refused('UNREACHABLE', `${endpoint} gives no verdict (${label(code)})`)
    evidence[endpoint] = label(`${verdict}:${code}`)
  }
  return done(evidence)
}

/** Takes the value in the stores as the current one; `reason` is for the audit trail: see {@link adoptSecret}. */
export async function adopt(runtime: Runtime, manifest: Manifest, secret: string, options: Watcher & { readonly reason?: string } = {}): Promise<Adopted> {
  return withEngine(runtime, manifest, options, (engine) => adoptSecret(engine, manifest, secret, options.reason ?? 'on request'))
}
