import type { z } from 'zod'
import { durationOf } from '../kit/duration.ts'
import type { Schedule, SecretSchedule, Window } from '../manifest/schedule.ts'
import { suggest } from './nearest.ts'
import { asMap, report, type Reading } from './reading.ts'
import type { scheduleSchema, secretScheduleSchema } from './schema.ts'
import type { Path } from './source.ts'

/** The schedule of the manifest; reports a freeze that ends before it begins. */
export function readSchedule(reading: Reading, written: z.output<typeof scheduleSchema>): Schedule {
  const { zone = 'UTC', windows, freezes = [], jitter = '0s', serial = false, after, retry = '24h' } = written
  for (const [index, { from, to }] of freezes.entries()) {
    if (to < from) report(reading, ['schedule', 'freezes', index, 'to'], 'value', 'the freeze ends before it begins', `a day from ${from} on`)
  }
  return { zone, windows: windowsOf(windows), freezes, jitter: durationOf(jitter), serial, retry: durationOf(retry), ...(after === undefined ? {} : { after }) }
}

/** What a secret adds; reports names that no other secret has. */
export function readSecretSchedule(reading: Reading, path: Path, { windows, apart }: z.output<typeof secretScheduleSchema>): SecretSchedule {
  const others = Object.keys(asMap(asMap(reading.source.value)?.['secrets']) ?? {}).filter((name) => name !== path[1])
  for (const [index, name] of (apart?.from ?? []).entries()) {
    if (!others.includes(name)) report(reading, [...path, 'apart', 'from', index], 'value', 'this is no other secret', suggest(name, others))
  }
  return {
    ...(windows === undefined ? {} : { windows: windowsOf(windows) }),
    ...(apart === undefined ? {} : { apart: { from: apart.from, by: durationOf(apart.by ?? '24h') } }),
  }
}

function windowsOf(written: z.output<typeof scheduleSchema>['windows'] = []): Window[] {
  return written.map(({ days, ...window }) => ({ ...window, ...(days === undefined ? {} : { days }) }))
}
