import { Cron } from 'croner'
import { durationOf } from '../kit/duration.ts'
import { isCron } from '../manifest/schedule.ts'
import { type Zone, zoneOf } from './zone.ts'

/** What is wrong with a cron expression, in a few words; undefined when it comes round. */
export function cronProblem(expression: string): string | undefined {
  if (expression.trim().split(/\s+/).length !== 5) return 'a cron expression has five fields: minute, hour, day of the month, month, day of the week'
  try {
    // From a fixed time on: what does not come within some years never does.
    return new Cron(expression, { timezone: 'UTC', paused: true }).nextRun(new Date(Date.UTC(2024, 0, 1))) === null ? 'it never comes round' : undefined
  } catch {
    return 'it is no cron expression'
  }
}

/**
 * When a value that is in use since `since` has to be replaced, unix ms; undefined for `never`. A duration counts 24 hours a day;
 * `quarterly` and `annually` go by the calendar of the zone: three or twelve months later on the same day at the same time, or on the
 * last day of that month when it is shorter; a cron expression is its next time there. Pure. Throws a RangeError for what a manifest
 * does not let through.
 */
export function dueAfter(every: string, since: number, zone: Zone = zoneOf('UTC')): number | undefined {
  switch (every) {
    case 'never':
      return undefined
    case 'quarterly':
      return monthsLater(since, 3, zone)
    case 'annually':
      return monthsLater(since, 12, zone)
    default:
      return isCron(every) ? new Cron(every, { timezone: zone.name, paused: true }).nextRun(new Date(since))?.getTime() : since + durationOf(every)
  }
}

function monthsLater(since: number, months: number, zone: Zone): number {
  const wall = zone.wall(since)
  const month = wall.month + months
  const lastDay = new Date(Date.UTC(wall.year, month, 0)).getUTCDate()
  return zone.at({ ...wall, month, day: Math.min(wall.day, lastDay) }) + (((since % 1_000) + 1_000) % 1_000)
}
