import type { Ms } from '../../kit/call.ts'

/** Which zone a time without one is in. Absent: such a text is no time. */
export type Zone = 'utc' | 'local' | undefined

const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?$/
/** The time of the common log format: https://httpd.apache.org/docs/current/mod/mod_log_config.html */
const COMMON = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$/
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const LEADING = /^\D{0,8}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?UTC| ?[+-]\d\d:?\d\d)?)(?!\d)/

/**
 * Reads a time: ISO 8601, the common log format, or seconds or milliseconds since 1970 in digits. Answers unix ms, the last of
 * those that the text may mean (a time in whole seconds is some moment of that second). Undefined when it is none.
 */
export function readTime(text: string, zone: Zone): Ms | undefined {
  if (/^\d{13}$/.test(text)) return Number(text)
  const [, seconds, part] = /^(\d{10})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (seconds !== undefined) return Number(seconds) * 1000 + lastMs(part)
  const [, day, time, fraction, offset] = ISO.exec(text) ?? []
  if (day !== undefined && time !== undefined) {
    const there = offset ?? (zone === 'utc' ? 'Z' : zone === 'local' ? '' : undefined)
    return there === undefined ? undefined : moment(`${day}T${time}${zoneOf(there)}`, fraction)
  }
  const [, date, name = '', year, clock, hours, minutes] = COMMON.exec(text) ?? []
  const month = String(MONTHS.indexOf(name) + 1).padStart(2, '0')
  return date === undefined ? undefined : moment(`${year}-${month}-${date}T${clock}${hours}:${minutes}`, undefined)
}

/** The time with which a line begins, behind at most eight other characters such as `[` or `time="`; undefined when none does. */
export function leadingTime(line: string, zone: Zone): Ms | undefined {
  const text = LEADING.exec(line)?.[1]
  return text === undefined ? undefined : readTime(text, zone)
}

function zoneOf(offset: string): string {
  if (offset === 'UTC') return 'Z'
  return offset.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
}

function moment(iso: string, fraction: string | undefined): Ms | undefined {
  const at = Date.parse(iso)
  return Number.isNaN(at) ? undefined : at + lastMs(fraction)
}

/** The last millisecond of a fraction of a second: 999 without one, 599 for `.5`, 123 for `.123456`. */
function lastMs(fraction: string = ''): Ms {
  return Number(fraction.slice(0, 3).padEnd(3, '9'))
}
