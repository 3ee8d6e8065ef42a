import { readIncidents } from '../../emergency/notes.ts'
import { durationOf, durationSchema } from '../../kit/duration.ts'
import { KeyturnError, type Ms } from '../../kit/index.ts'
import { isOverdue, listDue } from '../../operations/due.ts'
import { listSnapshots } from '../../operations/snapshots.ts'
import { openStateIfAny } from '../../runtime.ts'
import { dueDocument, dueLines } from '../../views/due.ts'
import { incidentDocument, openIncidentLines } from '../../views/incident.ts'
import { heldLines, snapshotDocument } from '../../views/snapshot.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly within?: string
  readonly check?: boolean
}

/** `keyturn due`: which secrets are due, and since when. Needs no identity; with `--check` it exits with 4 for cron. */
export async function run({ terminal, runtime }: Session, _: readonly string[], options: Options): Promise<number> {
  const within = withinOf(options.within ?? '7d')
  const manifest = await manifestOf(options)
  const state = await openStateIfAny(runtime, manifest)
  try {
    const now = Date.now()
    const secrets = await listDue(manifest, state?.db, now, within)
    const held = state === undefined ? [] : await listSnapshots(state.db, manifest)
    const incidents = state === undefined ? [] : (await readIncidents(state.db, manifest)).filter(({ closed }) => closed === undefined)
    if (options.json === true) terminal.out(JSON.stringify({ secrets: secrets.map(dueDocument), snapshots: held.map(snapshotDocument), incidents: incidents.map(incidentDocument) }, null, 2))
    else for (const line of [...dueLines(secrets, now, terminal.paint), ...heldLines(held, now, terminal.paint), ...openIncidentLines(incidents, terminal.paint)]) terminal.out(line)
    return options.check === true && secrets.some(isOverdue) ? EXIT.waiting : EXIT.done
  } finally {
    await state?.close()
  }
}

function withinOf(text: string): Ms {
  if (durationSchema.safeParse(text).success) return durationOf(text)
  throw new KeyturnError('USAGE', '--within takes a duration', { hint: 'Write a whole number and its unit, such as `12h`, `7d` or `30d`.' })
}
