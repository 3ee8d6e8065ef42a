import { describe, expect, it } from 'vitest'
import { expiryOf, ownCauses } from './cause.ts'
import { zoneOf } from './zone.ts'

const DAY = 86_400_000
const MADE = Date.parse('2027-01-01T00:00:00Z')
const last = { rotation: 'r', openedAt: MADE, closedAt: MADE + 1 }
const UTC = zoneOf('UTC')
const secret = { name: 's', lifecycle: 'active', on: ['expiry', 'provider-change'] } as const

describe('when a credential expires (R-04, S2-71..S2-73, S3-13)', () => {
  it('nobody says it: it makes nothing due', () => {
    expect(expiryOf({}, { last })).toBeUndefined()
    expect(ownCauses(secret, { last }, UTC)).toEqual([])
  })

  it('the manifest says how long they live; what was said of this very one comes first', () => {
    expect(expiryOf({ expires: { after: 365 * DAY } }, { last })).toEqual({ at: MADE + 365 * DAY, due: MADE + 351 * DAY })
    expect(expiryOf({ expires: { after: 365 * DAY, margin: 30 * DAY } }, { last, expiresAt: MADE + 100 * DAY })).toEqual({ at: MADE + 100 * DAY, due: MADE + 70 * DAY })
  })

  it('is replaced a quarter of its life before where that is less than two weeks, and never in its first half', () => {
    expect(expiryOf({ expires: { after: 8 * 3_600_000 } }, { last })?.due).toBe(MADE + 6 * 3_600_000)
    expect(expiryOf({ expires: { after: 20 * DAY, margin: 30 * DAY } }, { last })?.due).toBe(MADE + 10 * DAY)
  })

  it('of one that this state never rotated what was said counts as well', () => {
    expect(expiryOf({}, { expiresAt: MADE })).toEqual({ at: MADE, due: MADE - 14 * DAY })
    expect(ownCauses(secret, { expiresAt: MADE }, UTC)).toEqual([{ cause: 'expiry', due: MADE - 14 * DAY, lead: 1 }])
  })
})

describe('what people mark (R-05)', () => {
  it('makes it due where the manifest says that it does, the earliest first', () => {
    const past = { last, marked: { 'provider-change': MADE + 5 * DAY, compromise: MADE + DAY }, expiresAt: MADE + 400 * DAY }
    expect(ownCauses({ ...secret, every: '90d' }, past, UTC).map(({ cause }) => cause)).toEqual(['provider-change', 'every 90d', 'expiry'])
    expect(ownCauses({ ...secret, on: ['compromise'] }, past, UTC)).toEqual([{ cause: 'compromise', due: MADE + DAY, lead: -1 }])
  })
})
