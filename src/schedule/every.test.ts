import { describe, expect, it } from 'vitest'
import { cronProblem, dueAfter } from './every.ts'
import { zoneOf } from './zone.ts'

const at = (text: string): number => Date.parse(text)
const DAY = 86_400_000
const NOW = at('2026-11-20T12:00:00Z')

describe('when a value has to be replaced (S1-18, C-38)', () => {
  it.each([
    ['90d', '2026-01-01T10:00:00Z', '2026-04-01T10:00:00.000Z'],
    ['48h', '2026-02-27T23:59:59.999Z', '2026-03-01T23:59:59.999Z'],
    ['quarterly', '2026-01-15T08:30:00Z', '2026-04-15T08:30:00.000Z'],
    // The month is shorter: its last day, and never a day of the next one.
    ['quarterly', '2025-11-30T00:00:00Z', '2026-02-28T00:00:00.000Z'],
    ['quarterly', '2027-11-30T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['quarterly', '2026-08-31T23:59:59Z', '2026-11-30T23:59:59.000Z'],
    ['quarterly', '2026-12-31T12:00:00Z', '2027-03-31T12:00:00.000Z'],
    ['quarterly', '2026-10-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['annually', '2026-05-31T00:00:00Z', '2027-05-31T00:00:00.000Z'],
    // A leap day has no anniversary in the year after it; a day before it stays.
    ['annually', '2028-02-29T06:00:00Z', '2029-02-28T06:00:00.000Z'],
    ['annually', '2027-02-28T06:00:00Z', '2028-02-28T06:00:00.000Z'],
    // 2100 is no leap year, 2000 was one.
    ['annually', '2096-02-29T00:00:00Z', '2097-02-28T00:00:00.000Z'],
    ['quarterly', '2099-11-30T00:00:00Z', '2100-02-28T00:00:00.000Z'],
    ['quarterly', '1999-11-30T00:00:00Z', '2000-02-29T00:00:00.000Z'],
  ])('%s after %s is %s', (every, since, expected) => {
    expect(new Date(dueAfter(every, at(since)) ?? 0).toISOString()).toBe(expected)
  })

  it('is never for `never`, and what is no policy is no date', () => {
    expect(dueAfter('never', NOW)).toBeUndefined()
    expect(() => dueAfter('sometimes', NOW)).toThrow(RangeError)
  })

  it('is later than before, and by the calendar, for every day of eight years', () => {
    for (let day = at('2024-01-01T13:14:15Z'); day < at('2032-01-01T00:00:00Z'); day += DAY) {
      const [from, quarter, year] = [day, dueAfter('quarterly', day) ?? 0, dueAfter('annually', day) ?? 0].map((each) => new Date(each))
      if (from === undefined || quarter === undefined || year === undefined) throw new Error('three dates')
      expect(quarter.getUTCMonth()).toBe((from.getUTCMonth() + 3) % 12)
      expect(year.getUTCMonth()).toBe(from.getUTCMonth())
      expect(year.getUTCFullYear()).toBe(from.getUTCFullYear() + 1)
      for (const then of [quarter, year]) {
        expect(then.toISOString().slice(11)).toBe(from.toISOString().slice(11))
        const lastDay = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0)).getUTCDate()
        expect(then.getUTCDate()).toBe(Math.min(from.getUTCDate(), lastDay))
      }
    }
  })

  it.each([
    ['0 3 1 * *', '2026-01-15T00:00:00Z', '2026-02-01T02:00:00.000Z'],
    ['0 3 1 * *', '2026-06-15T00:00:00Z', '2026-07-01T01:00:00.000Z'],
    // The hour that the clock skips, and the one that comes twice.
    ['30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
    ['30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
    // By the wall clock, over a change of it; a duration does not care.
    ['quarterly', '2026-01-15T08:30:00Z', '2026-04-15T07:30:00.000Z'],
    ['annually', '2026-03-29T00:59:00Z', '2027-03-28T23:59:00.000Z'],
    ['90d', '2026-01-15T08:30:00Z', '2026-04-15T08:30:00.000Z'],
  ])('%s after %s is %s in Berlin', (every, since, expected) => {
    expect(new Date(dueAfter(every, at(since), zoneOf('Europe/Berlin')) ?? 0).toISOString()).toBe(expected)
  })

  it.each([['0 3 1 * *', undefined], ['0 3 31 2 *', 'it never comes round'], ['61 3 * * *', 'it is no cron expression'], ['0 3 * *', 'a cron expression has five fields: minute, hour, day of the month, month, day of the week']])('`%s`: %s', (expression, problem) => {
    expect(cronProblem(expression)).toBe(problem)
  })
})
