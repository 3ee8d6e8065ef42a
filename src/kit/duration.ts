import { z } from 'zod'
import type { Ms } from './call.ts'

const UNITS: ReadonlyMap<string | undefined, Ms> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** A whole number above 0 and its unit, nothing between them: `250ms`, `30s`, `10m`, `48h`, `90d`. */
export const durationSchema = z.string().regex(/^0*[1-9]\d{0,8}(ms|s|m|h|d)$/, 'a duration such as `250ms`, `30s`, `10m`')

/** The length of what {@link durationSchema} let through. A day has 24 hours. Throws a RangeError for anything else. */
export function durationOf(text: string): Ms {
  const [, count, unit] = /^(\d+)([a-z]+)$/.exec(text) ?? []
  const length = Number(count) * (UNITS.get(unit) ?? Number.NaN)
  if (!Number.isSafeInteger(length)) throw new RangeError('not a duration')
  return length
}
