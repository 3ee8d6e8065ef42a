import { describe, expect, it } from 'vitest'
import type { Notice } from '../kit/index.ts'
import { aheadNotice, incidentNotice, noticesOfTime, type Standing, stillNotice, unbegunNotice } from './of-time.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 0, 10)
const whose = { system: 'atlas & co', environment: 'staging', secrets: { more: 'of a manifest' } }
const of = (standing: Partial<Standing>, now = NOW): Notice[] => noticesOfTime([{ secret: 'database', owner: 'platform', state: 'fine', ...standing }], whose, now)

describe('what people are told because of the time', () => {
  it('a secret that is due within a week, once, unless it begins by itself (N-05)', () => {
    expect(of({ state: 'due', at: NOW + DAY })).toMatchObject([{ kind: 'secret-due', severity: 'info', title: 'database is due on 2026-01-11', owner: 'platform' }])
    expect(of({ state: 'due', at: NOW + DAY })[0]?.id).toBe(of({ state: 'due', at: NOW + DAY }, NOW + 3_600_000)[0]?.id)
    expect(of({ state: 'due', at: NOW + DAY, begins: NOW + DAY })).toEqual([])
    expect(of({ at: NOW + 99 * DAY })).toEqual([])
  })

  it('one that is overdue, and again each week, with why it does not begin (S3-61, R-12)', () => {
    const [first] = of({ state: 'overdue', at: NOW - DAY, because: 'year end' })
    expect(first).toMatchObject({ kind: 'secret-overdue', severity: 'warning', trouble: 'begun', title: 'database is overdue: year end' })
    const ids = [1, 6, 8, 15].map((days) => of({ state: 'overdue', at: NOW }, NOW + days * DAY)[0]?.id)
    expect(ids[0]).toBe(ids[1])
    expect(new Set(ids).size).toBe(3)
  })

  it('a rotation that nobody goes on with, and one that cannot begin: once a day', () => {
    expect(of({ open: 'database-1', left: NOW - DAY })).toMatchObject([{ kind: 'rotation-left', rotation: 'database-1' }])
    const unbegun = (now: number): Notice => unbegunNotice({ secret: 'database' }, { code: 'ADMIN_REJECTED', about: 'db' }, whose, now)
    expect(unbegun(NOW)).toMatchObject({ kind: 'rotation-unbegun', facts: { code: 'ADMIN_REJECTED', scheduled: true } })
    expect(unbegun(NOW).id).toBe(unbegun(NOW + DAY - 1).id)
    expect(unbegun(NOW).id).not.toBe(unbegun(NOW + DAY).id)
  })

  it('an incident that is open for a day and longer, each day (R-10, S3-60)', () => {
    const told = (days: number): string | undefined => incidentNotice({ id: 'incident-20260110-a1', decidedAt: NOW }, whose, NOW + days * DAY)?.id
    expect([told(0), told(1), told(1.9), told(2)]).toEqual([undefined, 'incident-20260110-a1.open.1', 'incident-20260110-a1.open.1', 'incident-20260110-a1.open.2'])
  })

  it('one that stands still, again each day; nothing else is repeated', () => {
    const notice = { ...aheadNotice({ secret: 'database', impact: 'x' }, NOW, whose, NOW), kind: 'rotation-paused', id: 'one.000009' }
    expect([0, 1, 2.5].map((days) => stillNotice(notice, NOW + days * DAY)?.id)).toEqual([undefined, 'one.000009.1', 'one.000009.2'])
    expect(stillNotice({ ...notice, kind: 'rotation-done' }, NOW + DAY)).toBeUndefined()
  })

  it('what users will feel, with the time (N-04, R-14, S0-31)', () => {
    expect(aheadNotice({ secret: 'session', impact: 'everybody is\nsigned out' }, NOW, whose, NOW - DAY)).toMatchObject({
      id: `atlas%20%26%20co.staging.session.ahead.${NOW}`, kind: 'impact-ahead', title: 'session will be rotated from 2026-01-10T00:00:00Z on: everybody is signed out', facts: { begins: '2026-01-10T00:00:00Z' },
    })
  })
})

it('no notice holds more of a manifest than its names', () => {
  const { secrets: _, ...names } = whose
  const all = [
    ...of({ state: 'due', at: NOW + DAY }), ...of({ state: 'overdue', at: NOW }), ...of({ open: 'x-1', left: NOW - DAY }), aheadNotice({ secret: 'session', impact: 'x' }, NOW, whose, NOW),
    unbegunNotice({ secret: 'database' }, { code: 'LOCKED', about: '' }, whose, NOW), incidentNotice({ id: 'i', decidedAt: NOW - DAY }, whose, NOW),
  ]
  for (const notice of all) {
    expect(notice).toMatchObject(names)
    expect(JSON.stringify(notice)).not.toContain('of a manifest')
  }
})
