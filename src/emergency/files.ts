import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { State } from '../state/open.ts'
import { incidentMarkdown } from './markdown.ts'
import { readIncidents } from './notes.ts'
import { type IncidentRecord, recordOf } from './record.ts'

/** The files of one incident. */
export interface IncidentFiles {
  readonly markdown: string
  readonly json: string
}

/** Where the incidents of a state that is a folder lie. */
export function incidentFolder({ folder }: Pick<State, 'folder'>): string {
  return join(folder, 'incidents')
}

/** Writes both forms of a record, whole and 0600, over those that are there. */
export function writeIncident(folder: string, record: IncidentRecord): IncidentFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const files = { markdown: join(folder, `${record.incident}.md`), json: join(folder, `${record.incident}.json`) }
  for (const [file, text] of [[files.markdown, incidentMarkdown(record)], [files.json, `${JSON.stringify(record, null, 2)}\n`]] as const) {
    writeFileSync(`${file}.tmp`, text, { mode: 0o600, flush: true })
    renameSync(`${file}.tmp`, file)
  }
  return files
}

/** Writes those that are open anew, where their files lie in the state: a rotation has moved on. Nothing where there never was one. */
export async function refreshIncidents(state: Pick<State, 'db' | 'folder' | 'kind'>, whose: { readonly system: string; readonly environment: string }): Promise<void> {
  const folder = incidentFolder(state)
  if (state.kind !== 'sqlite' || !existsSync(folder)) return
  for (const incident of await readIncidents(state.db, whose)) if (incident.closed === undefined) writeIncident(folder, await recordOf(state, incident))
}
