import { randomBytes } from 'node:crypto'
import { beginEmergency } from '../emergency/begin.ts'
import { holdsCredential } from '../emergency/branch.ts'
import { incidentFolder, type IncidentFiles, writeIncident } from '../emergency/files.ts'
import { openIncident, readIncidents } from '../emergency/notes.ts'
import { type Prepared, prepareEmergency } from '../emergency/prepare.ts'
import { type IncidentRecord, recordOf } from '../emergency/record.ts'
import { leakUrl, saidText } from '../emergency/text.ts'
import type { Engine } from '../engine/engine.ts'
import { secretOf } from '../engine/rotate.ts'
import { mintsLost } from '../journal/steps.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import type { Emergency } from '../plan/plan.ts'
import type { Runtime } from '../runtime.ts'
import { follow, type Outcome, type Watcher, withEngine } from './follow.ts'

/** What is known of one secret before anything is ended. */
export interface EmergencyBrief {
  readonly secret: string
  readonly impact: string
  readonly order: Emergency['order']
  readonly estimates: Emergency['estimates']
  /** The rotation whose place it takes. */
  readonly supersedes?: string
  /** One that has begun already, and is only gone on with. */
  readonly goesOn?: string
}

export interface EmergencyOptions extends Watcher {
  readonly reason: string
  /** Make and present the new one first; what is compromised lives on for so long. */
  readonly mintFirst?: boolean
  /** Where it leaked. */
  readonly leak?: string
  /** When it was decided, unix ms: exposure is measured from then on. Now when absent. */
  readonly decidedAt?: number
  /** Shown what is to be expected; nothing is changed when it answers false. */
  readonly confirm: (briefs: readonly EmergencyBrief[]) => Promise<boolean>
}

/** One secret: where its emergency stopped, or why it could not begin or go on. */
export type EmergencyResult = { readonly secret: string } & ({ readonly outcome: Outcome } | { readonly error: KeyturnError })

export interface EmergencyOutcome {
  readonly incident: string
  readonly results: readonly EmergencyResult[]
  readonly record: IncidentRecord
  /** Absent where the state is a database: the files are made on request. */
  readonly files?: IncidentFiles
}

/** After so many mints that got no answer a rotation makes no more; another one does, and ends what they made. */
const MINTS_LOST = 2

/** A secret that was looked at, or why not. */
type Looked = { readonly secret: string } & ({ readonly prepared: Prepared } | { readonly goesOn: string; readonly incident: string; readonly order: Emergency['order']; readonly estimates: Emergency['estimates'] } | { readonly error: KeyturnError })

/**
 * Takes secrets for compromised: ends everything live of each, makes and presents new ones, and keeps the record of it open until its
 * questions are answered. All of them at the same time; only what keyturn logs in with for others waits for those. Stays until each is
 * through, or waits for a person. Of one secret it throws what keeps it from beginning; of several the others go on.
 */
export async function emergency(runtime: Runtime, manifest: Manifest, secrets: readonly string[], options: EmergencyOptions): Promise<EmergencyOutcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const decidedAt = options.decidedAt ?? engine.now()
    const order = options.mintFirst === true ? 'mint-first' : 'forget-first'
    for (const name of secrets) secretOf(manifest, name)
    const leak = options.leak === undefined ? undefined : leakUrl(options.leak)
    const looked = await Promise.all(secrets.map((name) => look(engine, manifest, name, order)))
    const able = looked.flatMap((each) => ('error' in each ? [] : [each]))
    const [failed] = looked.flatMap((each) => ('error' in each ? [each] : []))
    if (able.length === 0 && failed !== undefined) throw failed.error
    const values = looked.flatMap((each) => ('prepared' in each ? Object.values(each.prepared.old.fields).filter((field) => field.reveal() !== each.prepared.old.id) : []))
    const reason = saidText('--reason', options.reason, values)
    if (leak !== undefined) saidText('--leak', leak, values)
    if (!(await options.confirm(able.map((each) => briefOf(each, order))))) throw new KeyturnError('INTERRUPTED', '', { hint: 'Nothing was changed.' })
    const begun = looked.flatMap((each) => ('goesOn' in each ? [each.incident] : []))
    const incident = begun.length === secrets.length && begun[0] !== undefined ? begun[0] : await recordIncident(engine, manifest, { decidedAt, order, reason, secrets, ...(leak === undefined ? {} : { leak }) })
    const results = await inLayers(looked, (each) => carryOut(engine, manifest, each, { order, incident, decidedAt, reason }, options))
    const [noted] = (await readIncidents(engine.state.db, manifest)).filter(({ id }) => id === incident)
    if (noted === undefined) throw new KeyturnError('INCIDENT_UNKNOWN', incident)
    const record = await recordOf(engine.state, noted)
    return { incident, results, record, ...(engine.state.kind === 'sqlite' ? { files: writeIncident(incidentFolder(engine.state), record) } : {}) }
  })
}

async function look(engine: Engine, manifest: Manifest, name: string, order: Emergency['order']): Promise<Looked> {
  try {
    const prepared = await prepareEmergency(engine, manifest, name, order)
    const begun = prepared.open?.progress.plan.emergency
    // One that forgets first has begun to end everything: to begin again would only cost time, unless it makes no more credentials.
    if (prepared.open !== undefined && begun !== undefined && mintsLost(prepared.open.progress) < MINTS_LOST && (begun.order === order || begun.order === 'forget-first')) return { secret: name, goesOn: prepared.open.id, incident: begun.incident, order: begun.order, estimates: begun.estimates }
    return { secret: name, prepared }
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    return { secret: name, error: thrown }
  }
}

function briefOf(each: Exclude<Looked, { readonly error: KeyturnError }>, order: Emergency['order']): EmergencyBrief {
  if ('goesOn' in each) return { secret: each.secret, impact: '', order: each.order, estimates: each.estimates, goesOn: each.goesOn }
  const { secret, estimates, open } = each.prepared
  return { secret: each.secret, impact: secret.impact, order, estimates, ...(open === undefined ? {} : { supersedes: open.id }) }
}

async function recordIncident(engine: Engine, { system, environment }: Manifest, said: { readonly decidedAt: number; readonly order: Emergency['order']; readonly reason: string; readonly secrets: readonly string[]; readonly leak?: string }): Promise<string> {
  const id = `incident-${new Date(said.decidedAt).toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(3).toString('hex')}`
  await openIncident(engine.state, { id, system, environment, by: engine.by, ...said }, engine.version)
  return id
}

async function carryOut(engine: Engine, manifest: Manifest, each: Looked, opening: Parameters<typeof beginEmergency>[2], watcher: Watcher): Promise<EmergencyResult> {
  const { secret } = each
  if ('error' in each) return { secret, error: each.error }
  try {
    const rotation = 'goesOn' in each ? each.goesOn : await beginEmergency(engine, each.prepared, opening)
    return { secret, outcome: await follow(engine, manifest, rotation, { ...watcher, wait: true }) }
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    return { secret, error: thrown }
  }
}

/** All at once but for those whose credential keyturn logs in with for others: they come when the others are through. In a circle nobody waits. */
async function inLayers(looked: readonly Looked[], carry: (each: Looked) => Promise<EmergencyResult>): Promise<EmergencyResult[]> {
  const results = new Map<string, EmergencyResult>()
  let left = [...looked]
  while (left.length > 0) {
    const free = left.filter((each) => !left.some((other) => other !== each && worksWith(other, each)))
    const now = free.length === 0 ? left : free
    for (const result of await Promise.all(now.map(carry))) results.set(result.secret, result)
    left = left.filter((each) => !now.includes(each))
  }
  return looked.flatMap(({ secret }) => results.get(secret) ?? [])
}

function worksWith(one: Looked, other: Looked): boolean {
  return 'prepared' in one && 'prepared' in other && holdsCredential(one.prepared.worksWith, other.prepared.old, other.prepared.plan.traits)
}
