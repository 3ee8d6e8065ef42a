import type { Day, Freeze, Window } from '../manifest/schedule.ts'
import type { Zone } from './zone.ts'

/** Days of the week by their number. */
const DAYS: readonly Day[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** When something may begin. */
export interface Calendar {
  /** Why nothing may begin at this time: outside of the windows, or the reason of the freeze; undefined when it may. */
  whyClosed(at: number): string | undefined
  /** The first time from `at` on at which something may begin, unix ms; undefined when there is none within two years. */
  nextOpen(at: number): number | undefined
}

/** Looked for so many days ahead. */
const AHEAD = 731

/** Without windows something may begin at any time that is not frozen. Pure. */
export function calendarOf(zone: Zone, windows: readonly Window[], freezes: readonly Freeze[]): Calendar {
  const frozen = freezes.map(({ from, to, reason }) => ({ to, reason, begins: zone.at(dateOf(from)), ends: zone.at(dateOf(to, 1)) }))
  const open = windows.map(({ days = DAYS, from, to }) => ({ days: new Set(days.map((day) => DAYS.indexOf(day))), from: minutesOf(from), to: minutesOf(to) }))
  const freezeAt = (at: number): (typeof frozen)[number] | undefined => frozen.find(({ begins, ends }) => at >= begins && at < ends)
  const whyClosed = (at: number): string | undefined => {
    const freeze = freezeAt(at)
    if (freeze !== undefined) return `frozen until ${freeze.to}: ${freeze.reason}`
    if (open.length === 0) return undefined
    const { weekday, hour, minute } = zone.wall(at)
    const now = hour * 60 + minute
    const inside = open.some(({ days, from, to }) => from < to ? days.has(weekday) && now >= from && now < to : (days.has(weekday) && now >= from) || (days.has((weekday + 6) % 7) && now < to))
    return inside ? undefined : 'outside of the windows'
  }
  return {
    whyClosed,
    nextOpen(at) {
      let time = at
      const { year, month, day, weekday } = zone.wall(at)
      for (let ahead = 0; ahead <= AHEAD; ) {
        if (whyClosed(time) === undefined) return time
        const freeze = freezeAt(time)
        if (freeze !== undefined) {
          time = freeze.ends
          continue
        }
        const from = time
        const starts = open.filter(({ days }) => days.has((weekday + ahead) % 7)).map((window) => zone.at({ year, month, day: day + ahead, hour: Math.floor(window.from / 60), minute: window.from % 60 })).filter((start) => start > from)
        if (starts.length === 0) ahead += 1
        else time = Math.min(...starts)
      }
      return undefined
    },
  }
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return hours * 60 + minutes
}

/** So many days after a date. */
function dateOf(text: string, after = 0): { readonly year: number; readonly month: number; readonly day: number } {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number)
  return { year, month, day: day + after }
}
