import { describe, expect, it } from 'vitest'
import { specimenManifest } from '../../test/fixture/specimen.ts'
import type { SecretSpec } from '../manifest/model.ts'
import { dueOf } from '../operations/due.ts'
import type { Past } from '../schedule/agenda.ts'
import { zoneOf } from '../schedule/zone.ts'
import { noticesOfTime, SOON_MS } from './of-time.ts'

const DAY = 86_400_000
const START = Date.parse('2027-06-01T13:00:00Z')
const END = Date.parse('2028-06-01T13:00:00Z')
const zone = zoneOf('America/New_York')
const whose = { system: 'atlas', environment: 'production' }

/** As the wall clock of New York shows it, by other means than the code under test: its summer time began and ended on these days. */
const SUMMER = [[Date.parse('2027-03-14T07:00:00Z'), Date.parse('2027-11-07T06:00:00Z')], [Date.parse('2028-03-12T07:00:00Z'), Date.parse('2028-11-05T06:00:00Z')]] as const
const wall = (at: number): Date => new Date(at - (SUMMER.some(([from, to]) => at >= from && at < to) ? 4 : 5) * 3_600_000)

const [like] = Object.values(specimenManifest().manifest.secrets)
if (like === undefined) throw new Error('no secret')
const { every: _, ...base } = like

type Kind = Pick<SecretSpec, 'every' | 'on' | 'expires'>
const KINDS: readonly Kind[] = [
  { every: '30d' }, { every: '90d' }, { every: 'quarterly' }, { every: 'annually' }, { every: '0 3 1 * *' }, { on: ['expiry'], expires: { after: 120 * DAY } }, { expires: { after: 100 * DAY } }, { every: 'never' }, {},
]

/** One time at which something was due, and when somebody did it. */
interface Turn {
  readonly secret: string
  readonly since: number
  readonly due: number
  readonly expires?: number
  readonly doneAt: number
}

/** A year in which it is looked once a day, and in which people rotate what is due some days late, each secret as late as its number says. */
function pass(secrets: readonly SecretSpec[]): { readonly told: ReadonlyMap<string, { readonly kind: string; readonly at: number }>; readonly turns: readonly Turn[] } {
  const past = new Map<string, Past>(secrets.map(({ name }, index) => [name, { last: { rotation: 'r', openedAt: START - (index % 25) * DAY, closedAt: START } }]))
  const told = new Map<string, { kind: string; at: number }>()
  const turns: Turn[] = []
  for (let now = START; now < END; now += DAY) {
    for (const [index, secret] of secrets.entries()) {
      const known = past.get(secret.name) ?? {}
      const due = dueOf(secret, known, now, SOON_MS, zone)
      for (const { id, kind } of noticesOfTime([due], whose, now)) if (!told.has(id)) told.set(id, { kind, at: now })
      const wanted = due.at ?? due.expires
      if (wanted === undefined || now < wanted + (index % 20) * DAY) continue
      turns.push({ secret: secret.name, since: known.last?.openedAt ?? 0, due: wanted, doneAt: now, ...(due.expires === undefined ? {} : { expires: due.expires }) })
      past.set(secret.name, { last: { rotation: 'r', openedAt: now, closedAt: now } })
    }
  }
  return { told, turns }
}

describe('the reminders of a year, of 200 secrets that people rotate themselves (R-01..R-04, R-12, N-05)', () => {
  const secrets = Array.from({ length: 200 }, (_unused, index): SecretSpec => ({ ...base, name: `s${index}`, ...KINDS[index % KINDS.length] }))
  const { told, turns } = pass(secrets)
  const of = ({ secret, since, doneAt }: Turn, kind: string): readonly number[] =>
    [...told].filter(([id, each]) => id.startsWith(`atlas.production.${secret}.`) && each.kind === kind && each.at > since && each.at <= doneAt).map(([, { at }]) => at)
  const isDue = ({ secret }: Turn): boolean => KINDS[Number(secret.slice(1)) % KINDS.length]?.on !== undefined || KINDS[Number(secret.slice(1)) % KINDS.length]?.every !== undefined

  it('come for everything that is due, once in the week before it', () => {
    expect(turns.filter(isDue).length).toBeGreaterThan(500)
    for (const turn of turns.filter((each) => isDue(each) && each.due - SOON_MS > Math.max(START, each.since))) {
      const times = of(turn, 'secret-due')
      expect(times, JSON.stringify(turn)).toHaveLength(1)
      expect((times[0] ?? 0) - (turn.due - SOON_MS)).toBeLessThan(DAY)
      expect(times[0]).toBeGreaterThanOrEqual(turn.due - SOON_MS)
    }
  })

  it('come for what is overdue at once, and again each week until it is done', () => {
    for (const turn of turns.filter(isDue)) {
      const times = of(turn, 'secret-overdue')
      expect(times.length, JSON.stringify(turn)).toBe(Math.floor((turn.doneAt - turn.due) / (7 * DAY)) + 1)
      for (const [week, at] of times.entries()) expect(at - turn.due - week * 7 * DAY).toBeLessThan(DAY)
    }
  })

  it('come 30, 14, 7, 3 days and one day before a credential expires, and each day after it', () => {
    const ends = turns.filter(({ expires }) => expires !== undefined)
    expect(ends.length).toBeGreaterThan(100)
    for (const turn of ends) {
      const { expires = 0, doneAt } = turn
      const wanted = [30, 14, 7, 3, 1].map((days) => expires - days * DAY).filter((time) => time <= doneAt)
      const times = of(turn, 'secret-expiring')
      expect(times.map((at) => Math.floor((expires - at) / DAY)), JSON.stringify(turn)).toEqual([30, 14, 7, 3, 1].slice(0, wanted.length))
      expect(of(turn, 'secret-expired')).toHaveLength(Math.max(0, Math.floor((doneAt - expires) / DAY) + 1))
    }
  })

  it('are for the right times: by the calendar, over both changes of the clock and the leap day', () => {
    const byCalendar = turns.filter(({ secret }) => KINDS[Number(secret.slice(1)) % KINDS.length]?.every === 'quarterly')
    expect(byCalendar.length).toBeGreaterThan(60)
    for (const { since, due } of byCalendar) {
      const [from, to] = [wall(since), wall(due)]
      expect(to.toISOString().slice(11)).toBe(from.toISOString().slice(11))
      expect((to.getUTCMonth() - from.getUTCMonth() + 12) % 12).toBe(3)
    }
    const monthly = turns.filter(({ secret }) => KINDS[Number(secret.slice(1)) % KINDS.length]?.every === '0 3 1 * *')
    for (const { due } of monthly) expect(wall(due).toISOString().slice(8, 16)).toBe('01T03:00')
  })

  it('come for nothing else', () => {
    const quiet = secrets.filter(({ every, expires }) => expires === undefined && (every === undefined || every === 'never')).map(({ name }) => name)
    expect(quiet.length).toBeGreaterThan(40)
    expect([...told.keys()].filter((id) => quiet.some((name) => id.startsWith(`atlas.production.${name}.`)))).toEqual([])
    console.log(`a year of 200 secrets: ${turns.length} rotations by people, ${told.size} reminders`)
  })
})
