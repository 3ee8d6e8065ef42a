import { resolve } from 'node:path'
import { incidentMarkdown } from '../../emergency/markdown.ts'
import type { IncidentRecord } from '../../emergency/record.ts'
import { KeyturnError } from '../../kit/index.ts'
import { answerQuestion, closeAnswered, incidents, showIncident } from '../../operations/incident.ts'
import { incidentDocument, incidentListLines } from '../../views/incident.ts'
import { EXIT } from '../exit.ts'
import { progressTo } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly text?: string
  readonly by?: string
  readonly out?: string
}

/** `keyturn incident list|show|answer|close`: the records of emergencies. Only answering and closing need the identity. */
export async function run({ runtime, terminal }: Session, [verb = 'list', id, question]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const show = (record: IncidentRecord): number => {
    terminal.out(json ? JSON.stringify(record, null, 2) : incidentMarkdown(record).trimEnd())
    return EXIT.done
  }
  const watcher = progressTo(terminal, json)
  switch (verb) {
    case 'list': {
      const all = await incidents(runtime, manifest)
      if (json) terminal.out(JSON.stringify({ incidents: all.map(incidentDocument) }, null, 2))
      else for (const line of incidentListLines(all, terminal.paint)) terminal.out(line)
      return EXIT.done
    }
    case 'show': {
      const { record, files } = await showIncident(runtime, manifest, id, options.out === undefined ? undefined : resolve(options.out))
      if (files !== undefined) terminal.err(`record: ${files.markdown}`)
      return show(record)
    }
    case 'answer': {
      if (id === undefined || question === undefined) throw new KeyturnError('USAGE', '`incident answer` needs the incident and the question', { hint: 'Write `keyturn incident answer INCIDENT accessed|told|leaked|removed --text TEXT --by NAME`.' })
      return show(await answerQuestion(runtime, manifest, id, { question, text: options.text, ...(options.by === undefined ? {} : { name: options.by }) }, watcher))
    }
    case 'close':
      if (id === undefined) throw new KeyturnError('USAGE', '`incident close` needs the incident', { hint: 'See `keyturn incident`.' })
      return show(await closeAnswered(runtime, manifest, id, watcher))
    default:
      throw new KeyturnError('USAGE', `there is no \`incident ${verb}\``, { hint: 'Write `incident list`, `incident show`, `incident answer` or `incident close`.' })
  }
}
