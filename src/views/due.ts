import type { Due, DueState } from '../operations/due.ts'
import { duration, moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One secret, as `due --json` gives it: times are ISO 8601. */
export interface DueDocument extends Omit<Due, 'since' | 'at' | 'begins'> {
  readonly since?: string
  readonly at?: string
  readonly begins?: string
}

/** The same with times for scripts. */
export function dueDocument({ since, at, begins, ...due }: Due): DueDocument {
  return { ...due, ...(begins === undefined ? {} : { begins: moment(begins) }), ...(since === undefined ? {} : { since: moment(since) }), ...(at === undefined ? {} : { at: moment(at) }) }
}

/** One line a secret, the most pressing first. */
export function dueLines(list: readonly Due[], now: number, paint: Paint): string[] {
  const wide = Math.max(0, ...list.map(({ secret }) => secret.length))
  return list.map((due) => {
    const owner = due.owner === undefined ? '' : `  ${due.owner}`
    const open = due.open === undefined ? '' : `  open: ${due.open}`
    return `${colour(due.state, paint)(due.state.padEnd(9))}  ${due.secret.padEnd(wide)}  ${textOf(due, now)}${paint.dim(beginOf(due, now))}${paint.dim(owner)}${open}`
  })
}

function colour(state: DueState, paint: Paint): (text: string) => string {
  if (state === 'stuck' || state === 'overdue') return paint.bad
  if (state === 'unrotated' || state === 'unknown' || state === 'due') return paint.warn
  return state === 'fine' ? paint.good : paint.dim
}

function textOf({ state, every = '', since, at, lifecycle, stuck = '' }: Due, now: number): string {
  const times = at === undefined || since === undefined ? '' : `${dayOf(at)}, in use since ${dayOf(since)} (${every})`
  switch (state) {
    case 'stuck':
      return stuck
    case 'overdue':
      return `for ${duration(now - (at ?? now))}: was due ${times}`
    case 'due':
    case 'fine':
      return `in ${duration((at ?? now) - now)}: due ${times}`
    case 'unrotated':
      return `never rotated by this state (${every})`
    case 'unknown':
      return `there is no state yet (${every})`
    case 'manual':
      return 'only when somebody asks: it has no `every`'
    case 'never':
      return 'its `every` is never'
    case 'inactive':
      return `its lifecycle is ${lifecycle}`
  }
}

/** When the schedule begins it, where that is not when it is due; and why. */
function beginOf({ begins, because }: Due, now: number): string {
  if (because === undefined) return begins === undefined ? '' : `; begins ${begins <= now ? 'now' : moment(begins)}`
  return begins === undefined ? `; waits: ${because}` : `; begins ${moment(begins)} (${because})`
}

function dayOf(at: number): string {
  return moment(at).slice(0, 10)
}
