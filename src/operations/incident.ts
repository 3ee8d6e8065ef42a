import { incidentFolder, type IncidentFiles, writeIncident } from '../emergency/files.ts'
import { answerIncident, closeIncident, findIncident, type Incident, QUESTIONS, type Question, readIncidents } from '../emergency/notes.ts'
import { type IncidentRecord, recordOf } from '../emergency/record.ts'
import { saidText } from '../emergency/text.ts'
import { KeyturnError, label } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { openStateIfAny, readingState, type Runtime } from '../runtime.ts'
import { type Watcher, withEngine } from './follow.ts'

/** The incidents of a manifest's system and environment, newest first. Needs no identity. */
export async function incidents(runtime: Runtime, manifest: Manifest): Promise<Incident[]> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    return state === undefined ? [] : await readIncidents(state.db, manifest)
  } finally {
    await state?.close()
  }
}

/** The record of one, with the files of it when it is told a folder for them. Needs no identity. Throws INCIDENT_UNKNOWN. */
export function showIncident(runtime: Runtime, manifest: Manifest, id: string | undefined, folder?: string): Promise<{ readonly record: IncidentRecord; readonly files?: IncidentFiles }> {
  return readingState(runtime, manifest, async (state) => {
    const record = await recordOf(state, findIncident(await readIncidents(state.db, manifest), id))
    return { record, ...(folder === undefined ? {} : { files: writeIncident(folder, record) }) }
  })
}

/** What somebody says to a question. */
export interface Said {
  readonly question: string
  readonly text: string | undefined
  /** Who says it; the account that runs keyturn when absent. */
  readonly name?: string
}

/** Writes an answer down, with who gave it. Throws USAGE for a question that there is not, INCIDENT_UNKNOWN, and NOT_NOW for one that is closed. */
export function answerQuestion(runtime: Runtime, manifest: Manifest, id: string, said: Said, watcher: Watcher = {}): Promise<IncidentRecord> {
  return withEngine(runtime, manifest, watcher, async (engine) => {
    const question = questionOf(said.question)
    const text = saidText('--text', said.text, [])
    const name = said.name === undefined ? engine.by : saidText('--by', said.name, [])
    const incident = findIncident(await readIncidents(engine.state.db, manifest), id)
    await answerIncident(engine.state, incident, { question, text, name, by: engine.by, at: engine.now() })
    return rewritten(engine.state, manifest, incident.id)
  })
}

/** Closes one whose questions are answered and whose emergencies are through. Throws NOT_NOW with what is missing. */
export function closeAnswered(runtime: Runtime, manifest: Manifest, id: string, watcher: Watcher = {}): Promise<IncidentRecord> {
  return withEngine(runtime, manifest, watcher, async (engine) => {
    const incident = findIncident(await readIncidents(engine.state.db, manifest), id)
    const { secrets, notBegun } = await recordOf(engine.state, incident)
    const alive = secrets.filter(({ result }) => result !== 'done' && result !== 'superseded').map(({ rotation }) => rotation)
    if (alive.length + notBegun.length > 0) throw new KeyturnError('NOT_NOW', `not through yet: ${[...alive, ...notBegun].join(', ')}`, { hint: 'Run `keyturn resume`, or `keyturn emergency` again for what was not begun; see `keyturn status`.' })
    await closeIncident(engine.state, incident, { by: engine.by, at: engine.now() })
    return rewritten(engine.state, manifest, incident.id)
  })
}

type Kept = Parameters<typeof incidentFolder>[0] & Parameters<typeof recordOf>[0] & { readonly kind: string }

async function rewritten(state: Kept, manifest: Manifest, id: string): Promise<IncidentRecord> {
  const record = await recordOf(state, findIncident(await readIncidents(state.db, manifest), id))
  if (state.kind === 'sqlite') writeIncident(incidentFolder(state), record)
  return record
}

function questionOf(text: string): Question {
  const known = (Object.keys(QUESTIONS) as Question[]).find((each) => each === text)
  if (known !== undefined) return known
  throw new KeyturnError('USAGE', `there is no question ${label(text)}`, { hint: `Write one of: ${Object.keys(QUESTIONS).join(', ')}.` })
}
