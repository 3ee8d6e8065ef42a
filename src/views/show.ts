import type { TimedEvent } from '../journal/event.ts'
import type { Progress } from '../journal/progress.ts'
import { newIdOf, stepsOf } from '../journal/steps.ts'
import type { LedgerRow } from '../state/ledger.ts'
import { moment } from './duration.ts'
import type { Paint } from './paint.ts'
import { eventLine } from './progress.ts'
import { type RotationStatus, statusLines } from './status.ts'
import { stepText } from './step.ts'

/** One rotation for people: where it stands, its steps, what was seen, and the ledger of its secret. */
export function showLines(status: RotationStatus, progress: Progress, events: readonly TimedEvent[], ledger: readonly LedgerRow[], all: boolean, paint: Paint): string[] {
  const opened = events.find((event) => event.type === 'rotation-opened')
  return [
    ...statusLines([status], paint),
    `  opened ${status.opened} by ${opened?.by ?? ''}: ${opened?.reason ?? ''}`,
    ...(progress.plan.takesBack === undefined ? [] : [`  takes back ${progress.plan.takesBack}`]),
    ...(opened?.adopted === true ? [paint.warn('  took a value that the ledger had never seen for the current one (--adopt)')] : []),
    '',
    ...stepsOf(progress).map((step) => {
      const seen = progress.done.get(step.id)
      return `  ${seen === undefined ? ' ' : paint.good('✔')} ${step.id.padEnd(16)}${(seen === undefined ? '' : moment(seen.at)).padEnd(22)}${stepText(progress.plan, step, newIdOf(progress))}`
    }),
    '',
    paint.strong('Ledger'),
    ...ledger.map((row) => `  ${row.provider_id.padEnd(24)}${row.fingerprint}  ${row.state}  ${moment(row.at)}`),
    ...(all ? ['', paint.strong('Journal'), ...events.map((event) => eventLine(event, progress, paint) ?? `${paint.dim(moment(event.at))}  ${event.type}${'step' in event ? ` ${event.step}` : ''}`)] : []),
  ]
}
