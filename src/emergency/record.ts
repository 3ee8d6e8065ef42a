import type { TimedEvent } from '../journal/event.ts'
import { exposureOf } from '../journal/forgotten.ts'
import { nameOf } from '../journal/name.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { newIdOf, stepOf } from '../journal/steps.ts'
import { type Code, type Evidence, KeyturnError, type Ms } from '../kit/index.ts'
import type { Emergency } from '../plan/plan.ts'
import type { State } from '../state/open.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { listRotations } from '../state/rotation.ts'
import type { Incident, IncidentAnswer } from './notes.ts'
import { QUESTIONS, type Question, unanswered } from './notes.ts'

/** A line of the timeline; times are ISO 8601. */
export interface TimelineEntry {
  readonly at: string
  readonly rotation?: string
  readonly secret?: string
  /** As the journal has it: `step-done`, `rotation-closed`. */
  readonly type: string
  readonly step?: string
  readonly by?: string
  readonly code?: Code
  readonly evidence?: Evidence
}

/** What became of one secret. */
export interface SecretRecord {
  readonly secret: string
  readonly owner?: string
  readonly rotation: string
  readonly strategy: string
  readonly order: Emergency['order']
  /** `open` as long as the emergency is not through. */
  readonly result: string
  /** The rotation whose place it took. */
  readonly superseded?: string
  /** Ids and keyed fingerprints, never values; `now` is their state in the ledger. */
  readonly credentials: readonly { readonly id: string; readonly fingerprint?: string; readonly was: 'in use' | 'inherited' | 'new'; readonly now?: string }[]
  readonly stores: readonly string[]
  readonly consumers: readonly { readonly title: string; readonly instances: readonly string[]; readonly attested?: Evidence }[]
  readonly estimated: { readonly outageMs: Ms; readonly exposureMs: Ms }
  /** Measured: from the decision to the first proof that all of it is rejected; absent until then. */
  readonly exposureMs?: Ms
  /** From the ending to the last consumer that holds the new one, where that was an outage; absent while it lasts. */
  readonly outageMs?: Ms
  /** Access that was derived from it and lives on. `until` is absent where nobody can say. */
  readonly derived?: { readonly what: string; readonly until?: string }
  /** Each proof with its time. */
  readonly proofs: readonly { readonly step: string; readonly at: string; readonly evidence: Evidence }[]
}

/** An incident with everything that the journals say about it. Holds no value. */
export interface IncidentRecord {
  readonly format: 'keyturn-incident/1'
  readonly incident: string
  readonly system: string
  readonly environment: string
  readonly state: 'open' | 'closed'
  readonly reason: string
  readonly leak?: string
  readonly by: string
  readonly decided: string
  readonly secrets: readonly SecretRecord[]
  /** Those of it whose emergency was never begun. */
  readonly notBegun: readonly string[]
  readonly questions: readonly { readonly question: Question; readonly asks: string; readonly answers: readonly (Omit<IncidentAnswer, 'question' | 'at'> & { readonly at: string })[] }[]
  readonly unanswered: readonly Question[]
  readonly closed?: { readonly by: string; readonly at: string }
  readonly timeline: readonly TimelineEntry[]
}

/** Made from the notes and journals alone; may be made again at any time. Throws JOURNAL_BROKEN. */
export async function recordOf(state: Pick<State, 'db'>, incident: Incident): Promise<IncidentRecord> {
  const { id, system, environment, decidedAt, answers, closed } = incident
  const rows = (await listRotations(state.db, { system, environment })).filter((row) => incident.secrets.includes(row.secret) && row.opened_at >= decidedAt)
  const timeline: { readonly ms: number; readonly entry: TimelineEntry }[] = [{ ms: decidedAt, entry: { at: iso(decidedAt), type: 'incident-opened', by: incident.by } }]
  const secrets: SecretRecord[] = []
  for (const row of rows) {
    const { events } = await readEvents({ state }, row.id)
    const progress = foldProgress(events)
    if (progress.plan.emergency?.incident !== id) continue
    const { supersedes } = progress.plan.emergency
    const before = supersedes === undefined ? [] : (await readEvents({ state }, supersedes)).events.filter((event) => event.type === 'rotation-opened' || event.type === 'rotation-closed')
    for (const [rotation, list] of [[supersedes ?? '', before], [row.id, events]] as const) timeline.push(...list.map((event) => ({ ms: event.at, entry: entryOf(rotation, row.secret, event) })))
    const ledger = await readLedger(state.db, secretKey(system, environment, row.secret))
    secrets.push(secretRecord(row.id, progress, events, new Map(ledger.map((each) => [`${each.provider_id} ${each.fingerprint}`, each.state]))))
  }
  timeline.push(...answers.map(({ at, question, name }) => ({ ms: at, entry: { at: iso(at), type: `incident-answered: ${question}`, by: name } })))
  if (closed !== undefined) timeline.push({ ms: closed.at, entry: { at: iso(closed.at), type: 'incident-closed', by: closed.by } })
  return {
    format: 'keyturn-incident/1', incident: id, system, environment, state: closed === undefined ? 'open' : 'closed', reason: incident.reason,
    ...(incident.leak === undefined ? {} : { leak: incident.leak }),
    by: incident.by, decided: iso(decidedAt), secrets,
    notBegun: incident.secrets.filter((name) => !secrets.some(({ secret }) => secret === name)),
    questions: (Object.keys(QUESTIONS) as Question[]).map((question) => ({
      question, asks: QUESTIONS[question], answers: answers.filter((answer) => answer.question === question).map(({ text, name, by, at }) => ({ text, name, by, at: iso(at) })),
    })),
    unanswered: unanswered(incident),
    ...(closed === undefined ? {} : { closed: { by: closed.by, at: iso(closed.at) } }),
    timeline: timeline.sort((a, b) => a.ms - b.ms).map(({ entry }) => entry),
  }
}

function entryOf(rotation: string, secret: string, event: TimedEvent): TimelineEntry {
  return {
    at: iso(event.at), rotation, secret, type: event.type === 'rotation-closed' ? `rotation-closed: ${event.result}` : event.type,
    ...('step' in event ? { step: event.step } : {}), ...('by' in event ? { by: event.by } : {}),
    ...('code' in event && event.code !== undefined ? { code: event.code } : {}), ...('evidence' in event && event.evidence !== undefined ? { evidence: event.evidence } : {}),
  }
}

function secretRecord(rotation: string, progress: Progress, events: readonly TimedEvent[], ledger: ReadonlyMap<string, string>): SecretRecord {
  const { plan, done, closed } = progress
  const { emergency } = plan
  if (emergency === undefined) throw new KeyturnError('INTERNAL', `${rotation} is no emergency`)
  const expected = emergency.estimates[emergency.order]
  const exposure = exposureOf(progress)
  const outage = outageOf(progress, events)
  const derived = derivedOf(progress)
  const old = plan.current === undefined ? [] : [{ ...plan.current, was: 'in use' as const }]
  const fresh = newIdOf(progress)
  const named = [...old, ...emergency.inherits.map(({ id, fingerprint }) => ({ id, ...(fingerprint === undefined ? {} : { fingerprint }), was: 'inherited' as const }))]
  const known = new Set(named.map(({ id, fingerprint = '' }) => `${id} ${fingerprint}`))
  const news = [...ledger].filter(([name]) => !known.has(name) && nameOf(name.split(' ')[0] ?? '') === fresh)
  return {
    secret: plan.secret, ...(plan.owner === undefined ? {} : { owner: plan.owner }), rotation, strategy: plan.strategy, order: emergency.order, result: closed?.result ?? 'open',
    ...(emergency.supersedes === undefined ? {} : { superseded: emergency.supersedes }),
    credentials: [
      ...named.map((each) => ({ ...each, ...stateIn(ledger, each) })),
      ...news.map(([name, now]) => ({ id: name.split(' ')[0] ?? '', fingerprint: name.split(' ')[1] ?? '', was: 'new' as const, now })).filter(({ now }) => now !== 'gone'),
    ],
    stores: plan.stores.map(({ title }) => title),
    consumers: plan.waves.flatMap((wave, w) => wave.map(({ title, instances }, c) => {
      const attested = done.get(`attest:${w}.${c}`)?.evidence
      return { title, instances, ...(attested === undefined ? {} : { attested }) }
    })),
    estimated: { outageMs: expected.outage, exposureMs: expected.exposure },
    ...(exposure?.until === undefined ? {} : { exposureMs: exposure.until - exposure.from }),
    ...(outage === undefined ? {} : { outageMs: outage }),
    ...(derived === undefined ? {} : { derived }),
    proofs: [...done].flatMap(([id, { at, evidence }]) => (stepOf(plan, id).do === 'prove' ? [{ step: id, at: iso(at), evidence }] : [])),
  }
}

function stateIn(ledger: ReadonlyMap<string, string>, { id, fingerprint = '' }: { readonly id: string; readonly fingerprint?: string }): { readonly now?: string } {
  const now = ledger.get(`${id} ${fingerprint}`)
  return now === undefined ? {} : { now }
}

/** From the first ending, or from what ends by being replaced, to the last consumer; 0 with the new one made first. */
function outageOf({ plan, done }: Progress, events: readonly TimedEvent[]): Ms | undefined {
  const effects = plan.steps.filter((step) => step.do === 'forget' || step.do === 'mint').map(({ id }) => id)
  if (plan.emergency?.order === 'mint-first' && plan.steps.some((step) => step.do === 'forget')) return 0
  const began = events.find((event) => event.type === 'intent-recorded' && effects.includes(event.step))?.at
  const last = plan.steps.findLast((step) => step.do === 'attest' || step.do === 'publish' || step.do === 'mint')
  const ended = last === undefined ? undefined : done.get(last.id)?.at
  return began === undefined || ended === undefined ? undefined : ended - began
}

/** What lives on after the credential: tokens, leases; or sessions, where one slot is replaced and nobody ends them. */
function derivedOf({ plan, done }: Progress): SecretRecord['derived'] {
  const ended = plan.steps.filter((step) => step.do === 'forget' || step.do === 'mint').flatMap((step) => done.get(step.id)?.at ?? [])[0]
  const { derivedLife, ends } = plan.traits
  if (derivedLife !== undefined) return { what: `access derived from it lives for ${Math.round(derivedLife / 60_000)} min after its end`, ...(ended === undefined ? {} : { until: iso(ended + derivedLife) }) }
  return ends.length > 0 ? undefined : { what: 'who is logged in with the old value stays so until it logs in again' }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
