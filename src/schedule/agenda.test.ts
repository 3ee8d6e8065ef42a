import { describe, expect, it } from 'vitest'
import { agendaOf, type Past, type Scheduled } from './agenda.ts'
import type { Schedule } from '../manifest/schedule.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-06-10T12:00:00Z')
const schedule: Schedule = { zone: 'UTC', windows: [], freezes: [], jitter: 0, serial: false, retry: DAY }
const secret = (name: string, part: Partial<Scheduled> = {}): Scheduled => ({ name, lifecycle: 'active', every: '90d', ...part })
/** Rotated so many days ago, in an hour. */
const done = (days: number): Pick<Past, 'last'> => ({ last: { rotation: 'r', openedAt: NOW - days * DAY, closedAt: NOW - days * DAY + 3_600_000 } })
const agenda = (secrets: readonly Scheduled[], past: Readonly<Record<string, Past>>, part: Partial<Schedule> = {}, now = NOW) => agendaOf({ ...schedule, ...part }, secrets, new Map(Object.entries(past)), now)

describe('the agenda of what begins by itself', () => {
  it('is in the order of time; what is due begins now', () => {
    expect(agenda([secret('fine'), secret('late')], { fine: done(80), late: done(91) })).toEqual([
      { secret: 'late', cause: 'every 90d', due: NOW - DAY, begins: NOW },
      { secret: 'fine', cause: 'every 90d', due: NOW + 10 * DAY, begins: NOW + 10 * DAY },
    ])
  })

  it('has nothing that is not active, has no time, is under way, or was never rotated here', () => {
    const secrets = [secret('legacy', { lifecycle: 'legacy' }), { name: 'manual', lifecycle: 'active' } as const, secret('never', { every: 'never' }), secret('open'), secret('fresh')]
    expect(agenda(secrets, { legacy: done(100), manual: done(100), never: done(100), open: { ...done(100), open: 'open-1' } })).toEqual([])
  })

  it('makes a secret due when another one was rotated (S4-30)', () => {
    const secrets = [secret('jwt', { on: ['database'] }), secret('database')]
    expect(agenda(secrets, { jwt: done(50), database: done(10) })[0]).toEqual({ secret: 'jwt', cause: 'after database', due: NOW - 10 * DAY + 3_600_000, begins: NOW })
    expect(agenda(secrets, { jwt: done(5), database: done(10) })[0]).toMatchObject({ secret: 'database' })
  })

  it('does not make it due again when both were rotated in one campaign, though the other one was closed later (R-06)', () => {
    const secrets = [secret('jwt', { on: ['database'] }), secret('database')]
    const as = (campaign: string, hours: number): Past => ({ last: { rotation: 'r', openedAt: NOW - 10 * DAY, closedAt: NOW - 10 * DAY + hours * 3_600_000, campaign } })
    expect(agenda(secrets, { jwt: as('one', 1), database: as('one', 2) }).map(({ cause }) => cause)).toEqual(['every 90d', 'every 90d'])
    expect(agenda(secrets, { jwt: as('one', 1), database: as('two', 2) })[0]).toMatchObject({ secret: 'jwt', cause: 'after database' })
  })

  it('waits for a window and for the end of a freeze, and says so', () => {
    const late = { late: done(91) }
    expect(agenda([secret('late')], late, { windows: [{ from: '02:00', to: '04:00' }] })).toMatchObject([{ begins: Date.parse('2026-06-11T02:00:00Z'), because: 'outside of the windows' }])
    expect(agenda([secret('late')], late, { freezes: [{ from: '2026-06-01', to: '2026-06-14', reason: 'a launch' }] })).toMatchObject([{ begins: Date.parse('2026-06-15T00:00:00Z'), because: 'frozen until 2026-06-14: a launch' }])
    const own = secret('late', { schedule: { windows: [{ from: '13:00', to: '14:00' }] } })
    expect(agenda([own], late, { windows: [{ from: '02:00', to: '04:00' }] })).toMatchObject([{ begins: Date.parse('2026-06-10T13:00:00Z') }])
  })

  it('begins what users feel no earlier than they were told: at the time that they know, and so long from now where they know none (N-04, R-14, S0-31, S4-29)', () => {
    const felt = secret('session', { notice: { before: 2 * DAY } })
    const begins = (past: Past, part: Partial<Schedule> = {}, now = NOW) => agenda([felt], { session: past }, part, now)[0]
    expect(begins(done(80))).toMatchObject({ begins: NOW + 10 * DAY })
    expect(begins(done(91))).toMatchObject({ begins: NOW + 2 * DAY, because: 'users are told ahead' })
    expect(begins({ ...done(91), announced: NOW + DAY })).toMatchObject({ begins: NOW + DAY })
    expect(begins({ ...done(91), announced: NOW })).toMatchObject({ begins: NOW })
    expect(begins({ ...done(91), announced: NOW - 91 * DAY })).toMatchObject({ begins: NOW + 2 * DAY })
    // What failed is tried again only after users were told again.
    expect(begins({ ...done(91), announced: NOW - DAY, failed: { closedAt: NOW - 3_600_000 } })).toMatchObject({ begins: NOW + 2 * DAY })
    // Two days from now is no window: it begins in the next one.
    expect(begins(done(91), { windows: [{ from: '02:00', to: '04:00' }] })).toMatchObject({ begins: Date.parse('2026-06-13T02:00:00Z') })
  })

  it('spreads what is due at the same time before it, always in the same way', () => {
    const secrets = Array.from({ length: 200 }, (_, index) => secret(`s${index}`))
    const past = Object.fromEntries(secrets.map(({ name }) => [name, done(30)]))
    const spread = agenda(secrets, past, { jitter: 10 * DAY })
    expect(spread).toEqual(agenda(secrets, past, { jitter: 10 * DAY }))
    const early = spread.map(({ due, begins = 0 }) => due - begins)
    expect(Math.min(...early)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...early)).toBeLessThan(10 * DAY)
    for (let day = 0; day < 10; day += 1) expect(early.filter((each) => Math.floor(each / DAY) === day).length).toBeGreaterThan(5)
  })

  it('has one of a serial system at a time, the longest due first (S4-21)', () => {
    const secrets = [secret('a'), secret('b')]
    expect(agenda(secrets, { a: done(91), b: done(95) }, { serial: true })).toEqual([
      { secret: 'b', cause: 'every 90d', due: NOW - 5 * DAY, begins: NOW },
      { secret: 'a', cause: 'every 90d', due: NOW - DAY, because: 'b is being rotated' },
    ])
    expect(agenda(secrets, { a: done(91), b: { ...done(95), open: 'b-1' } }, { serial: true })).toMatchObject([{ secret: 'a', because: 'b is being rotated' }])
  })

  it('keeps the two of a pair apart, whoever of them says so', () => {
    const secrets = [secret('a'), secret('b', { schedule: { apart: { from: ['a'], by: 7 * DAY } } })]
    expect(agenda(secrets, { a: done(91), b: done(90) })).toMatchObject([{ secret: 'a', begins: NOW }, { secret: 'b', because: 'a is being rotated' }])
    expect(agenda(secrets, { a: done(90), b: done(91) })).toMatchObject([{ secret: 'b', begins: NOW }, { secret: 'a', because: 'b is being rotated' }])
    expect(agenda(secrets, { a: { ...done(91), open: 'a-1' }, b: done(90) })).toMatchObject([{ secret: 'b', because: 'a is being rotated' }])
    // Only the other one says so.
    expect(agenda(secrets, { a: done(91), b: { ...done(90), open: 'b-1' } })).toMatchObject([{ secret: 'a', because: 'b is being rotated' }])
    expect(agenda(secrets, { a: done(91), b: done(2) }).find((each) => each.secret === 'a')).toMatchObject({ begins: NOW + 5 * DAY + 3_600_000, because: 'b was rotated' })
    expect(agenda(secrets, { a: done(2), b: done(91) }).find((each) => each.secret === 'b')).toMatchObject({ begins: NOW + 5 * DAY + 3_600_000, because: 'a was rotated' })
  })

  it('begins only what was rotated in staging since (S1-68)', () => {
    expect(agenda([secret('a')], { a: done(91) }, { after: 'staging' })).toMatchObject([{ because: 'it was not rotated in staging since' }])
    expect(agenda([secret('a')], { a: { ...done(91), first: { openedAt: NOW - 92 * DAY } } }, { after: 'staging' })).toMatchObject([{ because: 'it was not rotated in staging since' }])
    expect(agenda([secret('a')], { a: { ...done(91), first: { openedAt: NOW - DAY } } }, { after: 'staging' })).toMatchObject([{ begins: NOW }])
  })

  it('tries one that did not end well again, later', () => {
    expect(agenda([secret('a')], { a: { ...done(91), failed: { closedAt: NOW - 3_600_000 } } })).toMatchObject([{ begins: NOW - 3_600_000 + DAY }])
  })
})
