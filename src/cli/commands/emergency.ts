import { resolve } from 'node:path'
import { writeIncident } from '../../emergency/files.ts'
import { KeyturnError } from '../../kit/index.ts'
import type { Manifest } from '../../manifest/model.ts'
import { heldBy, type Holder } from '../../operations/affected.ts'
import { emergency, type EmergencyBrief, type EmergencyOutcome } from '../../operations/emergency.ts'
import { plannerFor, type Runtime } from '../../runtime.ts'
import { briefLines } from '../../views/emergency.ts'
import { emergencyEndLines } from '../../views/incident.ts'
import { confirmed } from '../confirm.ts'
import { EXIT, exitOf, exitOfRun, worseExit } from '../exit.ts'
import { progressTo, tellFailure, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'

interface Options extends CommonOptions {
  readonly reason?: string
  readonly mintFirst?: boolean
  readonly leak?: string
  readonly usedBy?: string
  readonly inStore?: string
  readonly yes?: boolean
  readonly out?: string
}

/** `keyturn emergency SECRET... --reason TEXT`: ends what is compromised, and replaces it. */
export async function run({ runtime, terminal }: Session, words: readonly string[], options: Options): Promise<number> {
  // The decision is the command: everything from here on is exposure.
  const decidedAt = Math.round(performance.timeOrigin)
  const manifest = await manifestOf(options)
  const json = options.json === true
  if ((options.reason ?? '').trim() === '') throw new KeyturnError('USAGE', '`emergency` needs --reason', { hint: 'Say what happened; the journal and the incident keep it.' })
  const secrets = await chosen(runtime, manifest, words, options)
  if (json && options.yes !== true) throw new KeyturnError('USAGE', '--json asks nobody', { hint: 'Add --yes.' })
  const outcome = await emergency(runtime, manifest, secrets, {
    ...progressTo(terminal, json, secrets.length > 1),
    decidedAt,
    reason: options.reason ?? '',
    mintFirst: options.mintFirst === true,
    ...(options.leak === undefined ? {} : { leak: options.leak }),
    confirm: (briefs) => agreed(terminal, briefs, options),
  })
  const files = options.out === undefined ? outcome.files : writeIncident(resolve(options.out), outcome.record)
  if (json) terminal.out(JSON.stringify(documentOf(outcome, files)))
  else tell(terminal, outcome, files)
  return outcome.results.reduce((worst, result) => worseExit(worst, 'error' in result ? exitOf(result.error.code) : exitOfRun(result.outcome)), EXIT.done as number)
}

/** Those that are named, and those of a consumer or a store. Throws USAGE when there is none. */
async function chosen(runtime: Runtime, manifest: Manifest, words: readonly string[], { usedBy, inStore }: Options): Promise<readonly string[]> {
  const holders: readonly Holder[] = [...(usedBy === undefined ? [] : [{ family: 'consumer', named: usedBy } as const]), ...(inStore === undefined ? [] : [{ family: 'store', named: inStore } as const])]
  const held = await Promise.all(holders.map((holder) => heldBy(plannerFor(runtime), manifest, holder)))
  const all = [...new Set([...words, ...held.flat()])]
  if (all.length > 0) return all
  throw new KeyturnError('USAGE', '`emergency` needs a secret', { hint: 'Name it, or use --used-by CONSUMER or --in-store STORE.' })
}

async function agreed(terminal: Terminal, briefs: readonly EmergencyBrief[], { yes, json }: Options): Promise<boolean> {
  if (json !== true) for (const line of briefLines(briefs, terminal.paint)) terminal.out(line)
  return yes === true || confirmed(briefs.length === 1 ? 'Go on?' : `Go on with all ${briefs.length}?`)
}

function documentOf({ incident, results, record }: EmergencyOutcome, files: EmergencyOutcome['files']): object {
  return {
    incident,
    results: results.map((result) => ('error' in result ? { secret: result.secret, error: { code: result.error.code, message: result.error.message, hint: result.error.hint } } : result)),
    record,
    ...(files === undefined ? {} : { files }),
  }
}

function tell(terminal: Terminal, { results, record }: EmergencyOutcome, files: EmergencyOutcome['files']): void {
  for (const result of results) {
    if ('error' in result) tellFailure(terminal, result.secret, result.error, false)
    else tellOutcome(terminal, result.outcome, false, results.length > 1)
  }
  for (const line of emergencyEndLines(record, terminal.paint)) terminal.out(line)
  if (files !== undefined) terminal.out(`record: ${files.markdown}`)
}
