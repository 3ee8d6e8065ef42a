import type { Ms } from '../kit/index.ts'

export type Day = 'sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat'

/** When rotations may begin, by the wall clock: from `from` on, until before `to`; on the next day when that is not later. */
export interface Window {
  /** On which it begins; every day when absent. */
  readonly days?: readonly Day[]
  /** `HH:MM`. */
  readonly from: string
  readonly to: string
}

/** Days on which nothing begins, both included: `YYYY-MM-DD`. */
export interface Freeze {
  readonly from: string
  readonly to: string
  readonly reason: string
}

/** When rotations begin by themselves. A manifest without one has none that do: then a person or a job begins them. */
export interface Schedule {
  /** An IANA time zone. */
  readonly zone: string
  readonly windows: readonly Window[]
  readonly freezes: readonly Freeze[]
  /** What is due at the same time begins spread over this long before it; after it where `every` is a cron expression. */
  readonly jitter: Ms
  /** At most one rotation of the system is open at a time, also of those that people begin. */
  readonly serial: boolean
  /** One begins only if the same secret was rotated in this environment after the last time here. */
  readonly after?: string
  /** After a rotation that did not end well the next one begins so long later. */
  readonly retry: Ms
}

/** What a secret adds to it. */
export interface SecretSchedule {
  /** In place of the schedule's. */
  readonly windows?: readonly Window[]
  /** It keeps away from these: while one of them is open, and so long after it is closed, it does not begin. */
  readonly apart?: { readonly from: readonly string[]; readonly by: Ms }
}

/** Whether an `every` is a cron expression: minute, hour, day of the month, month, day of the week. */
export function isCron(every: string): boolean {
  return /\s/.test(every)
}
