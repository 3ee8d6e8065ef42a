import { describe, expect, it } from 'vitest'
import { freshState, openOne } from '../../test/fixture/state.ts'
import { specimenManifest } from '../../test/fixture/specimen.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import { dueAfter, dueOf, isOverdue, listDue } from './due.ts'

const at = (text: string): number => Date.parse(text)
const DAY = 86_400_000
const NOW = at('2026-11-20T12:00:00Z')
const { secret: base, manifest } = specimenManifest()
const secret = (part: Partial<SecretSpec>): SecretSpec => ({ ...base, ...part })
/** One without an `every`. */
const unscheduled: SecretSpec = { ...base }
delete (unscheduled as { every?: string }).every

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
})

describe('a secret', () => {
  const rotated = (openedAt: number) => ({ last: { rotation: 'one', openedAt } })
  it.each([
    ['overdue from the very moment on', secret({ every: '90d' }), rotated(NOW - 90 * DAY), 'overdue'],
    ['due within what was asked for', secret({ every: '90d' }), rotated(NOW - 83 * DAY), 'due'],
    ['fine before that', secret({ every: '90d' }), rotated(NOW - 83 * DAY + 1), 'fine'],
    ['unrotated when the state has no rotation of it', secret({ every: '90d' }), {}, 'unrotated'],
    ['unknown without a state', secret({ every: '90d' }), undefined, 'unknown'],
    ['never due when its policy says so (S2-74)', secret({ every: 'never' }), rotated(0), 'never'],
    ['manual without a policy, and never overdue (S1-09)', unscheduled, rotated(0), 'manual'],
    ['inactive when its lifecycle says so (S2-01)', secret({ every: '1d', lifecycle: 'legacy' }), rotated(0), 'inactive'],
  ] as const)('is %s', (_, one, seen, state) => {
    expect(dueOf(one, seen, NOW, 7 * DAY)).toMatchObject({ secret: 'database', state })
  })

  it('breaks its policy when it is overdue, and when nobody can show that it is not', () => {
    const states = (['overdue', 'unrotated', 'unknown', 'due', 'fine', 'manual', 'never', 'inactive'] as const).filter((state) => isOverdue({ secret: 'a', lifecycle: 'active', state }))
    expect(states).toEqual(['overdue', 'unrotated', 'unknown'])
  })
})

describe('the secrets of a manifest', () => {
  it('come with the newest rotation that was done, the most pressing first; open, failed and others\' rotations count for nothing (X-12)', async () => {
    const state = await freshState()
    const opened = (days: number) => ({ type: 'noted', at: NOW - days * DAY, body: {} })
    const rows = [
      ['old', 'database', 400, 'done'], ['recent', 'database', 100, 'done'], ['failed', 'database', 50, 'rolled-back'], ['refused', 'database', 40, 'refused'], ['open', 'database', 1, null],
      ['cache', 'cache', 10, 'done'], ['other', 'token', 1, 'done'],
    ] as const
    for (const [id, name, days, result] of rows) {
      await openOne(state, id, { secret: name, opened: opened(days), ...(id === 'other' ? { system: 'elsewhere' } : {}) })
      await state.db.updateTable('rotation').set({ result }).where('id', '=', id).execute()
    }
    const named: Manifest = { ...manifest, secrets: Object.fromEntries(['never', 'cache', 'token', 'database'].map((name) => [name, secret({ name, every: name === 'never' ? 'never' : '90d' })])) }
    expect(await listDue(named, state.db, NOW, 7 * DAY)).toEqual([
      { secret: 'database', state: 'overdue', lifecycle: 'active', owner: 'platform', every: '90d', since: NOW - 100 * DAY, rotation: 'recent', at: NOW - 10 * DAY, open: 'open' },
      { secret: 'token', state: 'unrotated', lifecycle: 'active', owner: 'platform', every: '90d' },
      { secret: 'cache', state: 'fine', lifecycle: 'active', owner: 'platform', every: '90d', since: NOW - 10 * DAY, rotation: 'cache', at: NOW + 80 * DAY },
      { secret: 'never', state: 'never', lifecycle: 'active', owner: 'platform', every: 'never' },
    ])
    expect((await listDue(named, undefined, NOW, 0)).map(({ state: how }) => how)).toEqual(['unknown', 'unknown', 'unknown', 'never'])
  })
})
