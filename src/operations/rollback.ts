import type { Engine } from '../engine/engine.ts'
import { openRotation, secretOf } from '../engine/rotate.ts'
import { foldProgress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { endingBegun } from '../journal/steps.ts'
import { type Call, type Credential, KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { makePlan } from '../plan/make.ts'
import type { Plan } from '../plan/plan.ts'
import { isDual, isOneWay, overlaps } from '../plan/steps.ts'
import type { Runtime } from '../runtime.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { findRotation, listRotations, type RotationRow } from '../state/rotation.ts'
import { type Cast, openCast } from '../steps/cast.ts'
import { demand, lookAtWorld } from '../steps/world.ts'
import { follow, type Outcome, type RunOptions, withEngine } from './follow.ts'
import { type Held, heldBefore, heldSince, printOf } from './held.ts'
import { readMarks } from './events.ts'
import { request } from './request.ts'

/** How long looking at the world may take. */
const LOOK_MS = 30_000

export interface RollbackOptions extends RunOptions {
  /** For the journal and the receipt. */
  readonly reason?: string
  /** Users may feel it: needed for a hard cut. */
  readonly acceptImpact?: boolean
}

/** Where it stopped; `takesBack` is the rotation that a new one takes back, absent where one that was open went back by itself. */
export type RolledBack = Outcome & { readonly takesBack?: string }

/**
 * Takes a rotation back. One that is done is taken back by a new one, which is the same algorithm with old and new swapped and names the
 * one that it takes back; one that is open goes back as by `abort` or `undo`. `rotation` may be the secret's name: then its open one, or
 * the last that was done. Throws NOT_NOW, with the way forward, when what was in use before cannot be used again: it is gone at the
 * provider, nobody can make it again, its value is held nowhere any more, or a later rotation stands upon it (C-12, C-13, X-11).
 */
export async function rollback(runtime: Runtime, manifest: Manifest, rotation: string, options: RollbackOptions = {}): Promise<RolledBack> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const row = await meant(engine, manifest, rotation)
    if (row.result !== null) return { ...(await follow(engine, manifest, await takeBack(engine, manifest, row, options), options)), takesBack: row.id }
    const progress = foldProgress((await readEvents(engine, row.id)).events)
    await request(engine, row.id, endingBegun(progress) ? 'undo' : 'abort')
    return follow(engine, manifest, row.id, options)
  })
}

/** Opens the rotation that takes one back that is done; carrying it out is the next drive's. */
export async function takeBack(engine: Engine, manifest: Manifest, row: RotationRow, { reason, acceptImpact = false }: Pick<RollbackOptions, 'reason' | 'acceptImpact'> = {}): Promise<string> {
  const { plan: past } = foldProgress((await readEvents(engine, row.id)).events)
  const secret = secretOf(manifest, row.secret)
  await refuseOvertaken(engine, row)
  if (past.emergency !== undefined) throw forward(row, 'what was in use before it is compromised')
  if (past.emergency !== undefined) throw forward(row, 'what was in use before it was compromised')
  if (past.traits.mint === 'triggers') throw forward(row, 'the provider rotates it in its own way, and only forward')
  if (isOneWay(past)) throw forward(row, 'the provider makes its values, and nobody can make the old one again')
  const cast = await openCast({ ...secret, preflight: manifest.preflight, postflight: manifest.postflight }, engine.registry, engine.host(manifest.base))
  try {
    const call: Call = { signal: AbortSignal.any([engine.interrupt, AbortSignal.timeout(LOOK_MS)]), deadline: engine.now() + LOOK_MS, fence: 0 }
    const held = { engine, row, plan: past, issuer: cast.issuer, call }
    const credential = await heldBefore(held)
    if (credential === undefined) throw forward(row, 'the value from before it is held nowhere any more')
    await refuseGone(engine, row, past, cast, credential, call)
    const plan = makePlan(manifest, secret, await lookAtWorld(cast, secret, printOf(held), call, { rotation: row.id, credential }))
    await refuseMoved(held, plan)
    return await openRotation(engine, plan, { reason: reason ?? `takes back ${row.id}`, acceptImpact, credential, alone: manifest.schedule?.serial === true })
  } finally {
    await cast.close()
  }
}

/** By a secret's name the open rotation of it is meant, or else the last one that was done. */
async function meant({ state: { db } }: Engine, manifest: Manifest, named: string): Promise<RotationRow> {
  const { system, environment, secrets } = manifest
  const all = named in secrets ? await listRotations(db, { system, environment, secret: named }) : []
  return all.find(({ result }) => result === null) ?? all.find(({ result }) => result === 'done') ?? findRotation(db, named, manifest)
}

/** Only the last thing that was done can be taken back: what was before it is what it knows. */
async function refuseOvertaken(engine: Engine, row: RotationRow): Promise<void> {
  const { id, system, environment, secret, result } = row
  const all = await listRotations(engine.state.db, { system, environment, secret })
  const open = all.find((each) => each.result === null)
  if (open !== undefined) throw new KeyturnError('ROTATION_OPEN', open.id, { hint: 'Roll that one back first: `keyturn abort`, or `keyturn undo` while the old credential is off.' })
  if (result !== 'done') throw new KeyturnError('NOT_NOW', `${id} is not in effect: it ended as ${result ?? 'open'}`, { hint: `See \`keyturn history ${secret}\`.` })
  const last = all.find((each) => each.result === 'done')
  if (last === undefined || last.id === id) return
  const { takesBack } = foldProgress((await readEvents(engine, last.id)).events).plan
  if (takesBack === id) throw new KeyturnError('NOT_NOW', `it was taken back by ${last.id}`, { hint: `See \`keyturn history ${secret}\`.` })
  throw new KeyturnError('NOT_NOW', `${last.id} was done after it`, { hint: `Take that one back first: \`keyturn rollback ${last.id}\`.` })
}

/**
 * Refused when somebody said that the old one is compromised; and once it is gone at the provider, by the ledger and by the provider's own
 * list. A value for one slot is applied again.
 */
async function refuseGone(engine: Engine, row: RotationRow, past: Plan, { issuer }: Cast, credential: Credential, call: Call): Promise<void> {
  const { db } = engine.state
  const marks = await readMarks(db, row)
  const print = printOf({ engine, row, plan: past })(credential)
  if (marks.some(({ secret, event, fingerprint }) => event === 'compromise' && secret === row.secret && fingerprint === print)) throw forward(row, 'what was in use before it was marked as compromised')
  // What we make can be made accepted again.
  if (!overlaps(past) || isDual(past)) return
  const ledger = await readLedger(db, secretKey(row.system, row.environment, row.secret))
  const states = ledger.filter(({ provider_id: id }) => id === credential.id).map(({ state }) => state)
  const seen = demand(await issuer.observe(call))
  const listed = seen.known.find(({ id }) => id === credential.id)?.state ?? (seen.complete ? 'gone' : 'on')
  if (listed === 'gone' || (states.length > 0 && states.every((state) => state === 'gone'))) throw forward(row, `${credential.id} is gone at the provider`)
}

/** What it ended with has to be in use now, of the same principal: else the world is no longer the one that it would be taken back in. */
async function refuseMoved(held: Held, plan: Plan): Promise<void> {
  const { row, plan: past } = held
  if (plan.principal !== past.principal) throw new KeyturnError('WORLD_MOVED', `${row.secret} is of another principal now than ${row.id}`, { hint: hintOf(row) })
  const ended = await heldSince(held)
  if (ended === undefined) throw forward(row, 'the value that it ended with is held nowhere any more')
  const inUse = `${plan.current?.id ?? ''} ${plan.current?.fingerprint ?? ''}`
  if (inUse !== `${ended.id} ${printOf(held)(ended)}`) throw new KeyturnError('WORLD_MOVED', `the value of ${row.secret} was changed since ${row.id}`, { hint: hintOf(row) })
}

function forward(row: RotationRow, why: string): KeyturnError {
  return new KeyturnError('NOT_NOW', `${row.id} cannot be taken back: ${why}`, { hint: hintOf(row) })
}

function hintOf({ secret }: RotationRow): string {
  return `The way is forward: \`keyturn rotate ${secret}\` puts a new one in its place.`
}
