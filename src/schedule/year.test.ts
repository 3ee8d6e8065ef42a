import { describe, expect, it } from 'vitest'
import { agendaOf, type Past, type Scheduled } from './agenda.ts'
import { outlived } from './retention.ts'
import type { Schedule } from '../manifest/schedule.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000
const START = Date.parse('2027-06-01T00:00:00Z')
const END = Date.parse('2028-06-01T00:00:00Z')

/** As the wall clock of New York shows it, by other means than the code under test: its summer time began and ended on these days. */
const SUMMER = [[Date.parse('2027-03-14T07:00:00Z'), Date.parse('2027-11-07T06:00:00Z')], [Date.parse('2028-03-12T07:00:00Z'), Date.parse('2028-11-05T06:00:00Z')]] as const
const wall = (at: number): Date => new Date(at - (SUMMER.some(([from, to]) => at >= from && at < to) ? 4 : 5) * 3_600_000)

const schedule: Schedule = {
  zone: 'America/New_York', windows: [{ days: ['mon', 'tue', 'wed', 'thu'], from: '01:30', to: '04:00' }], freezes: [{ from: '2027-12-18', to: '2028-01-03', reason: 'year end' }],
  jitter: 2 * DAY, serial: false, retry: DAY,
}

/** Some expire: so long after they were made, with time to spare for every freeze, or with as much as there is by itself. */
const SPARED = { every: 'never', on: ['expiry'], expires: { after: 90 * DAY, margin: 30 * DAY } } as const
const BARE = { on: ['expiry'], expires: { after: 60 * DAY } } as const

const EVERY = ['7d', '30d', '90d', 'quarterly', 'annually', '0 3 1 * *', '15 2 29 2 *', 'never'] as const

const KINDS: readonly Partial<Scheduled>[] = [...EVERY.map((every) => ({ every })), SPARED, BARE]

interface Begun {
  readonly secret: string
  readonly at: number
  readonly due: number
  readonly closes: number
}

/** What `keyturn run` does with it in a year: it begins what the agenda says, at the time it says, and rotations take their time. */
function pass(secrets: readonly Scheduled[], takes: number, part: Partial<Schedule> = {}): Begun[] {
  const past = new Map<string, Past>(secrets.map(({ name }, index) => [name, { last: { rotation: 'r', openedAt: START - (index % 7) * DAY, closedAt: START - (index % 7) * DAY + takes } }]))
  const begun: Begun[] = []
  let now = START
  while (now < END) {
    const agenda = agendaOf({ ...schedule, ...part }, secrets, past, now)
    for (const { secret, begins, due } of agenda) {
      if (begins === undefined || begins > now) continue
      past.set(secret, { ...past.get(secret), open: secret })
      begun.push({ secret, at: now, due, closes: now + takes })
    }
    const closing = begun.filter(({ secret, closes }) => past.get(secret)?.open !== undefined && closes > now).map(({ closes }) => closes)
    const next = Math.min(...closing, ...agenda.flatMap(({ begins }) => (begins === undefined || begins <= now ? [] : [begins])))
    now = Math.max(now + 1, next)
    for (const { secret, at, closes } of begun) if (closes === now) past.set(secret, { last: { rotation: 'r', openedAt: at, closedAt: closes } })
  }
  return begun
}

describe('a year of 200 secrets, with clock changes and a leap day', () => {
  const secrets = Array.from({ length: 200 }, (_, index): Scheduled => ({ name: `s${index}`, lifecycle: 'active', ...KINDS[index % KINDS.length] }))
  const begun = pass(secrets, 26 * 3_600_000)
  const ofThese = (wanted: (secret: Scheduled) => boolean): readonly (readonly Begun[])[] => secrets.filter(wanted).map(({ name }) => begun.filter(({ secret }) => secret === name))
  const of = (every: string): readonly (readonly Begun[])[] => ofThese((each) => each.every === every && each.on === undefined)

  it('begins each only in a window by the wall clock, and nothing in the freeze', () => {
    for (const { at } of begun) {
      const local = wall(at)
      const minutes = local.getUTCHours() * 60 + local.getUTCMinutes()
      expect([1, 2, 3, 4]).toContain(local.getUTCDay())
      expect(minutes).toBeGreaterThanOrEqual(90)
      expect(minutes).toBeLessThan(240)
      expect(at < Date.parse('2027-12-18T05:00:00Z') || at >= Date.parse('2028-01-04T05:00:00Z')).toBe(true)
    }
  })

  it('begins each no more than the jitter before it is due, and as soon after it as a window opens', () => {
    for (const { at, due } of begun) {
      expect(due - at).toBeLessThanOrEqual(schedule.jitter)
      // From Thursday to Monday there is no window, and none over the year's end; what has a cron expression begins up to the jitter later.
      const waits = at > Date.parse('2027-12-16T00:00:00Z') && at < Date.parse('2028-01-10T00:00:00Z') ? 24 : 7
      expect(at - due, new Date(at).toISOString()).toBeLessThan(waits * DAY)
    }
  })

  it('begins each as often as its `every` says, and never the one whose is never', () => {
    for (const each of of('never')) expect(each).toEqual([])
    for (const [every, least, most] of [['7d', 38, 54], ['30d', 11, 13], ['90d', 4, 5], ['quarterly', 3, 5], ['annually', 1, 2], ['0 3 1 * *', 11, 13], ['15 2 29 2 *', 1, 1]] as const) {
      for (const each of of(every)) {
        expect(each.length, every).toBeGreaterThanOrEqual(least)
        expect(each.length, every).toBeLessThanOrEqual(most)
      }
    }
    for (const [only] of of('15 2 29 2 *')) expect(new Date(wall(only?.due ?? 0)).toISOString()).toBe('2028-02-29T02:15:00.000Z')
  })

  it('replaces what expires before it does, and not much earlier than its margin says (R-04)', () => {
    const [spared, bare] = [SPARED, BARE].map(({ expires }) => ofThese((each) => each.expires === expires))
    for (const each of spared ?? []) {
      expect(each.length).toBeGreaterThanOrEqual(5)
      for (const [index, { at }] of each.entries()) {
        const made = each[index - 1]?.at
        if (made === undefined) continue
        expect(at + 26 * HOUR, 'the new one is in use before the old one ends').toBeLessThan(made + 90 * DAY)
        expect(at).toBeGreaterThanOrEqual(made + 60 * DAY - schedule.jitter)
      }
    }
    // Two weeks, and a quarter of sixty days is one day more.
    for (const each of bare ?? []) for (const [index, { due }] of each.entries()) if (index > 0) expect(due).toBe((each[index - 1]?.at ?? 0) + 46 * DAY)
  })

  it('holds what each has changed for thirty days, and no hour longer (S1-69, R-18)', () => {
    const life = 30 * DAY
    const kept = begun.map(({ secret, closes }) => ({ secret, until: closes + life }))
    const wipedAt = new Map<(typeof kept)[number], number>()
    let held: readonly (typeof kept)[number][] = kept
    for (let now = START; now < END + 32 * DAY + 26 * HOUR; now += HOUR) {
      const wiped = outlived(held, now)
      for (const each of wiped) wipedAt.set(each, now)
      if (wiped.length > 0) held = held.filter((each) => !wipedAt.has(each))
    }
    expect([held.length, wipedAt.size]).toEqual([0, begun.length])
    for (const [{ until }, at] of wipedAt) expect(at >= until && at < until + HOUR).toBe(true)
  })

  it('never has two of one secret at a time', () => {
    for (const { name } of secrets) {
      const own = begun.filter(({ secret }) => secret === name)
      for (const [index, { at }] of own.entries()) expect(at).toBeGreaterThanOrEqual(own[index - 1]?.closes ?? 0)
    }
  })

  it('of a serial system never has two at all, and gets to all of them (S4-21)', () => {
    const few = secrets.filter(({ every }) => every === '90d').slice(0, 12)
    const one = pass(few, 5 * MINUTE, { serial: true })
    for (const [index, { at }] of one.entries()) expect(at).toBeGreaterThanOrEqual(one[index - 1]?.closes ?? 0)
    for (const { name } of few) expect(one.filter(({ secret }) => secret === name).length).toBeGreaterThanOrEqual(3)
  })
})
