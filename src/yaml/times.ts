import { cronProblem } from '../schedule/every.ts'
import { zoneOf } from '../schedule/zone.ts'
import { suggest } from './nearest.ts'
import { report, type Reading } from './reading.ts'
import type { Path } from './source.ts'

/** Reports a time zone that does not exist, and cron expressions that never come round. Loaded only where there is either. */
export function checkTimes(reading: Reading, zone: string | undefined, expressions: readonly { readonly path: Path; readonly every: string }[]): void {
  if (zone !== undefined && !isZone(zone)) report(reading, ['schedule', 'zone'], 'value', 'there is no such time zone', suggest(zone, Intl.supportedValuesOf('timeZone')))
  for (const { path, every } of expressions) {
    const problem = cronProblem(every)
    if (problem !== undefined) report(reading, path, 'value', problem, 'minute, hour, day of the month, month, day of the week, such as `0 3 1 * *`')
  }
}

function isZone(name: string): boolean {
  try {
    return zoneOf(name).name === name
  } catch {
    return false
  }
}
