import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calendarOf } from './calendar.ts'
import { zoneOf } from './zone.ts'

const at = (text: string): number => Date.parse(text)
const iso = (time: number | undefined): string | undefined => (time === undefined ? undefined : new Date(time).toISOString())
const berlin = zoneOf('Europe/Berlin')

describe('a time zone', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'])('%s shows a wall clock, and finds its time again', (name) => {
    const zone = zoneOf(name)
    fc.assert(fc.property(fc.integer({ min: at('2020-01-01T00:00:00Z') / 1_000, max: at('2040-01-01T00:00:00Z') / 1_000 }), (seconds) => {
      const wall = zone.wall(seconds * 1_000)
      const found = zone.at(wall)
      // The hour that comes twice is found the first time.
      expect([0, 1_800_000, 3_600_000]).toContain(seconds * 1_000 - found)
      expect(zone.wall(found)).toEqual(wall)
    }))
  })

  it('skips what the clock skips, and takes the first of what comes twice', () => {
    expect(iso(berlin.at({ year: 2026, month: 3, day: 29, hour: 2, minute: 30 }))).toBe('2026-03-29T01:00:00.000Z')
    expect(iso(berlin.at({ year: 2026, month: 10, day: 25, hour: 2, minute: 30 }))).toBe('2026-10-25T00:30:00.000Z')
    expect(iso(berlin.at({ year: 2026, month: 2, day: 30 }))).toBe('2026-03-01T23:00:00.000Z')
  })

  it('that nobody knows is a RangeError', () => {
    expect(() => zoneOf('Europe/Atlantis')).toThrow(RangeError)
  })
})

describe('a calendar', () => {
  const nights = calendarOf(berlin, [{ days: ['tue', 'wed'], from: '02:00', to: '05:00' }], [])

  it('without windows is always open', () => {
    expect(calendarOf(berlin, [], []).nextOpen(at('2026-03-01T12:00:00Z'))).toBe(at('2026-03-01T12:00:00Z'))
  })

  it.each([
    // In winter Berlin is one hour ahead, in summer two.
    ['2026-01-06T00:59:59Z', 'outside of the windows', '2026-01-06T01:00:00.000Z'],
    ['2026-01-06T01:00:00Z', undefined, '2026-01-06T01:00:00.000Z'],
    ['2026-01-06T03:59:59Z', undefined, '2026-01-06T03:59:59.000Z'],
    ['2026-01-06T04:00:00Z', 'outside of the windows', '2026-01-07T01:00:00.000Z'],
    ['2026-01-08T01:30:00Z', 'outside of the windows', '2026-01-13T01:00:00.000Z'],
    ['2026-07-07T00:00:00Z', undefined, '2026-07-07T00:00:00.000Z'],
    ['2026-07-07T03:00:00Z', 'outside of the windows', '2026-07-08T00:00:00.000Z'],
  ])('goes by the wall clock of its zone: %s', (time, why, opens) => {
    expect(nights.whyClosed(at(time))).toBe(why)
    expect(iso(nights.nextOpen(at(time)))).toBe(opens)
  })

  it('has windows over midnight, which belong to the day on which they begin', () => {
    const calendar = calendarOf(zoneOf('UTC'), [{ days: ['fri'], from: '22:00', to: '04:00' }], [])
    expect(calendar.whyClosed(at('2026-01-02T23:00:00Z'))).toBeUndefined()
    expect(calendar.whyClosed(at('2026-01-03T03:59:00Z'))).toBeUndefined()
    expect(calendar.whyClosed(at('2026-01-03T04:00:00Z'))).toBe('outside of the windows')
    expect(calendar.whyClosed(at('2026-01-03T23:00:00Z'))).toBe('outside of the windows')
    expect(calendar.whyClosed(at('2026-01-02T03:00:00Z'))).toBe('outside of the windows')
  })

  it('whose window falls into the hour that is skipped opens on the next day that has it', () => {
    const calendar = calendarOf(berlin, [{ from: '02:00', to: '02:30' }], [])
    expect(iso(calendar.nextOpen(at('2026-03-28T12:00:00Z')))).toBe('2026-03-30T00:00:00.000Z')
  })

  it('is frozen on whole days, both ends included, and says why', () => {
    const calendar = calendarOf(berlin, [], [{ from: '2026-12-20', to: '2027-01-05', reason: 'year end' }])
    expect(calendar.whyClosed(at('2026-12-19T22:59:59Z'))).toBeUndefined()
    expect(calendar.whyClosed(at('2026-12-19T23:00:00Z'))).toBe('frozen until 2027-01-05: year end')
    expect(iso(calendar.nextOpen(at('2026-12-24T12:00:00Z')))).toBe('2027-01-05T23:00:00.000Z')
  })

  it('frozen for good never opens', () => {
    expect(calendarOf(berlin, [{ from: '02:00', to: '03:00' }], [{ from: '2026-01-01', to: '2096-01-01', reason: 'sold' }]).nextOpen(at('2026-06-01T00:00:00Z'))).toBeUndefined()
  })

  it('opens at the first minute that is open, for any windows and freezes', () => {
    const days = fc.uniqueArray(fc.constantFrom('sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'), { minLength: 1 })
    const clock = fc.integer({ min: 0, max: 1_439 }).map((minute) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`)
    const windows = fc.array(fc.record({ days, from: clock, to: clock }), { minLength: 1, maxLength: 3 })
    fc.assert(fc.property(windows, fc.integer({ min: 0, max: 400 * 1_440 }), fc.constantFrom('Europe/Berlin', 'America/New_York'), (some, minute, zone) => {
      const calendar = calendarOf(zoneOf(zone), some, [{ from: '2026-03-27', to: '2026-03-30', reason: 'a freeze' }])
      const from = at('2026-01-01T00:00:00Z') + minute * 60_000
      const opens = calendar.nextOpen(from) ?? Number.NaN
      expect(calendar.whyClosed(opens)).toBeUndefined()
      // Nothing before it was open, looked at every quarter of an hour and right before it.
      for (let time = from; time < opens; time += 900_000) expect(calendar.whyClosed(time), new Date(time).toISOString()).toBeDefined()
      if (opens > from) expect(calendar.whyClosed(opens - 1)).toBeDefined()
    }), { numRuns: 40 })
  })
})
