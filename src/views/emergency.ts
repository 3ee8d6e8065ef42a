import type { EmergencyBrief } from '../operations/emergency.ts'
import { duration } from './duration.ts'
import type { Paint } from './paint.ts'

/** What is to be expected of an emergency, in both orders, before anything is ended. */
export function briefLines(briefs: readonly EmergencyBrief[], paint: Paint): string[] {
  return [
    ...briefs.flatMap(({ secret, order, estimates, supersedes, goesOn, impact }) => {
      const line = (which: 'forget-first' | 'mint-first', says: string): string => {
        const { outage, exposure } = estimates[which]
        const text = `  ${which === order ? '▸' : ' '} ${which.padEnd(13)}${says}: outage ${outage === 0 ? 'none' : `about ${duration(outage)}`}, exposure about ${duration(exposure)}`
        return which === order ? text : paint.dim(text)
      }
      if (goesOn !== undefined) return [`${paint.strong(secret)}  has begun already: ${goesOn} is gone on with`]
      return [
        `${paint.strong(secret)}${impact === '' || impact === 'none' ? '' : `  ${paint.dim(impact)}`}`,
        line('forget-first', 'end it now, then make a new one'),
        line('mint-first', 'make and present a new one, then end it (--mint-first)'),
        ...(supersedes === undefined ? [] : [`    takes the place of ${supersedes}, and ends everything that it left`]),
      ]
    }),
    paint.warn('There is no way back from it.'),
  ]
}
