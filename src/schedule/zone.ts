import { Cron } from 'croner'

/** What the clock on a wall of a time zone shows. Months are 1 to 12, weekdays 0 (Sunday) to 6. */
export interface Wall {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** A time zone of the IANA database, with its changes of the clock. */
export interface Zone {
  readonly name: string
  wall(at: number): Wall
  /**
   * When the wall shows this, unix ms. A time that is skipped is the moment after the gap, one that comes twice is the first of
   * both. Months and days may be too large: the 31st of April is the 1st of May.
   */
  at(wall: Pick<Wall, 'year' | 'month' | 'day'> & Partial<Wall>): number
}

/** No clock was ever put forward by more: Samoa once left out a day. */
const LONGEST_GAP_MS = 26 * 3_600_000

/** Throws a RangeError when there is no such zone. */
export function zoneOf(name: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name, calendar: 'gregory', hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  })
  return {
    name,
    wall,
    at({ year, month, day, hour = 0, minute = 0, second = 0 }) {
      const wanted = Date.UTC(year, month - 1, day, hour, minute, second)
      const found = new Cron(new Date(wanted).toISOString().slice(0, 19), { timezone: name, paused: true }).nextRun(new Date(0))?.getTime() ?? Number.NaN
      return shown(found) === wanted ? found : changeBefore(found)
    },
  }

  function wall(at: number): Wall {
    const parts: Record<string, number> = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
    return { year, month, day, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(), hour, minute, second }
  }

  /** The wall clock as if it were one of UTC. */
  function shown(at: number): number {
    const { year, month, day, hour, minute, second } = wall(at)
    return Date.UTC(year, month - 1, day, hour, minute, second)
  }

  /** When the clock was last changed before this, to the second. */
  function changeBefore(at: number): number {
    const ahead = (time: number): number => shown(time) - time
    let [before, after] = [at - LONGEST_GAP_MS, at]
    while (after - before > 1_000) {
      const middle = before + Math.floor((after - before) / 2_000) * 1_000
      if (ahead(middle) === ahead(at)) after = middle
      else before = middle
    }
    return after
  }
}
