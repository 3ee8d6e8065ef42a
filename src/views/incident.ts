import type { Incident } from '../emergency/notes.ts'
import type { IncidentRecord } from '../emergency/record.ts'
import { duration, moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One incident in a list, as `incident --json`, `status --json` and `due --json` give it. */
export interface IncidentDocument {
  readonly incident: string
  readonly secrets: readonly string[]
  readonly reason: string
  readonly decided: string
  readonly by: string
  readonly state: 'open' | 'closed'
  /** Of its questions; none once it is closed. */
  readonly unanswered: readonly string[]
}

/** The questions that there are, in their order; a list needs no more of them than their names. */
const NAMES = ['accessed', 'told', 'leaked', 'removed'] as const satisfies readonly Incident['answers'][number]['question'][]

/** The same without its answers. */
export function incidentDocument({ id, secrets, reason, decidedAt, by, closed, answers }: Incident): IncidentDocument {
  return { incident: id, secrets, reason, decided: moment(decidedAt), by, state: closed === undefined ? 'open' : 'closed', unanswered: NAMES.filter((name) => !answers.some(({ question }) => question === name)) }
}

/** Those that are open, for people who look at something else. Empty when there are none. */
export function openIncidentLines(incidents: readonly Incident[], paint: Paint): string[] {
  return incidents.map(incidentDocument).map(({ incident, secrets, unanswered }) => {
    const left = unanswered.length === 0 ? `to be closed: keyturn incident close ${incident}` : `nobody has answered: ${unanswered.join(', ')} (keyturn incident answer ${incident} ${unanswered[0]} --text TEXT --by NAME)`
    return `${paint.bad('incident')}  ${paint.strong(incident)}  ${secrets.join(', ')}; ${left}`
  })
}

/** All of them, newest first. */
export function incidentListLines(incidents: readonly Incident[], paint: Paint): string[] {
  if (incidents.length === 0) return ['There was no emergency.']
  return incidents.map(incidentDocument).map(({ incident, secrets, reason, decided, by, state, unanswered }) =>
    `${decided}  ${paint.strong(incident)}  ${state === 'open' ? paint.warn(state) : state}  ${secrets.join(', ')} by ${by}: ${reason}${unanswered.length === 0 || state === 'closed' ? '' : `; unanswered: ${unanswered.join(', ')}`}`)
}

/** What came of an emergency, in a few lines: the record has all of it. */
export function emergencyEndLines(record: IncidentRecord, paint: Paint): string[] {
  return [
    ...record.secrets.map(({ secret, result, exposureMs, outageMs, estimated, derived }) => {
      const exposed = exposureMs === undefined ? paint.bad('not proven dead yet') : `proven dead ${duration(exposureMs)} after the decision (estimated ${duration(estimated.exposureMs)})`
      const out = outageMs === undefined ? 'consumers are not through yet' : outageMs === 0 ? 'no outage' : `outage ${duration(outageMs)} (estimated ${duration(estimated.outageMs)})`
      return `${paint.strong(secret)}  ${result === 'done' ? paint.good(result) : paint.warn(result)}: ${exposed}; ${out}${derived === undefined ? '' : `; still alive: ${derived.what}${derived.until === undefined ? '' : `, until ${derived.until}`}`}`
    }),
    ...record.notBegun.map((secret) => `${paint.strong(secret)}  ${paint.bad('not begun: it is still live')}`),
    `Incident ${record.incident} stays open until its questions are answered: ${record.unanswered.join(', ') || 'all are'}.`,
    `  keyturn incident answer ${record.incident} ${record.unanswered[0] ?? 'accessed'} --text TEXT --by NAME`,
  ]
}
