import type { Due, DueState } from '../operations/due.ts'
import { duration, moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One secret, as `due --json` gives it: times are ISO 8601. */
export interface DueDocument extends Omit<Due, 'since' | 'at' | 'begins' | 'expires' | 'compromised'> {
  readonly since?: string
  readonly at?: string
  readonly begins?: string
  readonly expires?: string
  readonly compromised?: string
}

/** The same with times for scripts. */
export function dueDocument({ since, at, begins, expires, compromised, ...due }: Due): DueDocument {
  const times = Object.entries({ since, at, begins, expires, compromised }).flatMap(([name, time]) => (time === undefined ? [] : [[name, moment(time)] as const]))
  return { ...due, ...Object.fromEntries(times) }
}

/** One line a secret, the most pressing first. */
export function dueLines(list: readonly Due[], now: number, paint: Paint): string[] {
  const wide = Math.max(0, ...list.map(({ secret }) => secret.length))
  return list.map((due) => {
    const owner = due.owner === undefined ? '' : `  ${due.owner}`
    const behind = due.behind === undefined ? '' : paint.warn(`; ${due.behind.join(', ')} was rotated since`)
    const open = due.open === undefined ? '' : `  open: ${due.open}`
    return `${colour(due.state, paint)(due.state.padEnd(11))}  ${due.secret.padEnd(wide)}  ${textOf(due, now)}${behind}${paint.dim(beginOf(due, now))}${paint.dim(owner)}${open}`
  })
}

function colour(state: DueState, paint: Paint): (text: string) => string {
  if (state === 'stuck' || state === 'compromised' || state === 'overdue') return paint.bad
  if (state === 'unrotated' || state === 'unknown' || state === 'due') return paint.warn
  return state === 'fine' ? paint.good : paint.dim
}

function textOf({ secret, state, every = '', since, at, cause = '', expires, compromised, lifecycle, stuck = '' }: Due, now: number): string {
  const ends = expires === undefined ? '' : `, expires ${dayOf(expires)}`
  const times = at === undefined ? '' : `${dayOf(at)}${since === undefined ? '' : `, in use since ${dayOf(since)}`} (${cause.replace(/^every /, '')})${ends}`
  switch (state) {
    case 'stuck':
      return stuck
    case 'compromised':
      return `since ${dayOf(compromised ?? now)}: \`keyturn emergency ${secret}\` ends it at once${ends}`
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
      return `only when somebody asks: it has no \`every\`${ends}`
    case 'never':
      return `its \`every\` is never${ends}`
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
