import { KeyturnError, label } from '../kit/index.ts'
import type { Emergency } from '../plan/plan.ts'
import { appendNote, readNotes } from '../state/note.ts'
import type { State } from '../state/open.ts'

const OPENED = 'incident-opened'
const ANSWERED = 'incident-answered'
const CLOSED = 'incident-closed'

/** What has to be answered by named persons before an incident is closed. */
export const QUESTIONS = {
  accessed: 'What was accessed with it, and since when?',
  told: 'Who was told?',
  leaked: 'Where did it leak?',
  removed: 'Is the leak removed?',
} as const

export type Question = keyof typeof QUESTIONS

/** Who said what, and when (unix ms). */
export interface IncidentAnswer {
  readonly question: Question
  readonly text: string
  /** The person, as named. */
  readonly name: string
  /** The account that wrote it down. */
  readonly by: string
  readonly at: number
}

/** An incident as the notes of the state have it. */
export interface Incident {
  readonly id: string
  readonly system: string
  readonly environment: string
  readonly secrets: readonly string[]
  readonly order: Emergency['order']
  readonly reason: string
  /** Where it leaked, without login and query. */
  readonly leak?: string
  readonly by: string
  /** When it was decided, unix ms. */
  readonly decidedAt: number
  /** All answers, oldest first; of several to one question the last one counts. */
  readonly answers: readonly IncidentAnswer[]
  readonly closed?: { readonly by: string; readonly at: number }
}

/** Writes down that there is one. */
export async function openIncident(state: Pick<State, 'db' | 'commit'>, incident: Omit<Incident, 'answers' | 'closed'>, version: string): Promise<void> {
  const { id, decidedAt, ...body } = incident
  await appendNote(state, { type: OPENED, at: decidedAt, body: { incident: id, ...body, version } })
}

/** Writes down an answer. Of one question any number may be given: the last one counts, and all are kept. */
export async function answerIncident(state: Pick<State, 'db' | 'commit'>, incident: Incident, { at, ...answer }: IncidentAnswer): Promise<void> {
  if (incident.closed !== undefined) throw new KeyturnError('NOT_NOW', `${incident.id} is closed`)
  await appendNote(state, { type: ANSWERED, at, body: { incident: incident.id, system: incident.system, environment: incident.environment, ...answer } })
}

/** Closes it. Throws NOT_NOW while a question is open, with those that are. */
export async function closeIncident(state: Pick<State, 'db' | 'commit'>, incident: Incident, { by, at }: { readonly by: string; readonly at: number }): Promise<void> {
  if (incident.closed !== undefined) throw new KeyturnError('NOT_NOW', `${incident.id} is closed already`)
  const open = unanswered(incident)
  if (open.length > 0) throw new KeyturnError('NOT_NOW', `nobody has answered: ${open.join(', ')}`, { hint: `Run \`keyturn incident answer ${incident.id} ${open[0]} --text TEXT --by NAME\`.` })
  await appendNote(state, { type: CLOSED, at, body: { incident: incident.id, system: incident.system, environment: incident.environment, by } })
}

/** The questions that nobody has answered yet. */
export function unanswered({ answers }: Pick<Incident, 'answers'>): Question[] {
  return (Object.keys(QUESTIONS) as Question[]).filter((question) => !answers.some((answer) => answer.question === question))
}

/** All incidents of a system and environment, newest first. Needs no identity. */
export async function readIncidents(db: State['db'], whose: { readonly system: string; readonly environment: string }): Promise<Incident[]> {
  const incidents = new Map<string, Incident>()
  for (const { type, at, body } of (await readNotes(db)).entries) {
    const { incident: id, ...said } = body as { incident?: string } & Record<string, unknown>
    if (id === undefined || said['system'] !== whose.system || said['environment'] !== whose.environment) continue
    const known = incidents.get(id)
    if (type === OPENED) incidents.set(id, { ...(said as unknown as Omit<Incident, 'id' | 'decidedAt' | 'answers'>), id, decidedAt: at, answers: [] })
    else if (known !== undefined && type === ANSWERED) incidents.set(id, { ...known, answers: [...known.answers, { ...(said as unknown as IncidentAnswer), at }] })
    else if (known !== undefined && type === CLOSED) incidents.set(id, { ...known, closed: { by: String(said['by']), at } })
  }
  return [...incidents.values()].sort((a, b) => b.decidedAt - a.decidedAt)
}

/** One of them, by its id or a beginning of it that no other has; the only open one when none is named. Throws INCIDENT_UNKNOWN. */
export function findIncident(incidents: readonly Incident[], id: string | undefined): Incident {
  const found = id === undefined ? incidents.filter(({ closed }) => closed === undefined) : incidents.filter((each) => each.id.startsWith(id))
  const [only, ...others] = found.some((each) => each.id === id) ? found.filter((each) => each.id === id) : found
  if (only !== undefined && others.length === 0) return only
  const about = others.length > 0 ? `it could be ${found.map((each) => each.id).join(', ')}` : id === undefined ? 'none is open' : label(id)
  throw new KeyturnError('INCIDENT_UNKNOWN', about)
}
