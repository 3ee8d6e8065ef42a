import { KeyturnError } from '../kit/index.ts'

/** Where in a step something can be made to happen. */
export type Point = 'before-intent' | 'after-intent' | 'after-effect' | 'after-outcome'

export const POINTS: readonly Point[] = ['before-intent', 'after-intent', 'after-effect', 'after-outcome']

/** What can be made to happen to the answer of an effect. */
export type AnswerFault = 'lose' | 'refuse'

/** Failures on request, so that a team can see for itself that a rotation survives them. */
export interface Rehearsal {
  /** Reached this point of this step. May never return. */
  at(step: string, point: Point): void
  /** What to do with the answer of this step's effect. */
  answer(step: string): AnswerFault | undefined
}

/** Nothing happens. */
export const NO_REHEARSAL: Rehearsal = { at: () => undefined, answer: () => undefined }

/**
 * Reads KEYTURN_REHEARSE, a comma-separated list: `kill:STEP/POINT` and `stop:STEP/POINT` send SIGKILL or SIGSTOP to this very
 * process there; `lose:STEP` drops the answer of the step's effect after it happened, `refuse:STEP` refuses it without trying.
 * Each happens once in a process. Throws USAGE on anything else.
 */
export function parseRehearsal(text: string | undefined, signal: (name: 'SIGKILL' | 'SIGSTOP') => void): Rehearsal {
  if (text === undefined || text === '') return NO_REHEARSAL
  const points = new Map<string, 'SIGKILL' | 'SIGSTOP'>()
  const answers = new Map<string, AnswerFault>()
  for (const item of text.split(',')) {
    const match = /^(kill|stop):(.+)\/(before-intent|after-intent|after-effect|after-outcome)$/.exec(item)
    const fault = /^(lose|refuse):(.+)$/.exec(item)
    if (match?.[1] !== undefined && match[2] !== undefined) points.set(`${match[2]}/${match[3]}`, match[1] === 'kill' ? 'SIGKILL' : 'SIGSTOP')
    else if (fault?.[1] !== undefined && fault[2] !== undefined) answers.set(fault[2], fault[1] === 'lose' ? 'lose' : 'refuse')
    else throw new KeyturnError('USAGE', `KEYTURN_REHEARSE has ${item}`, { hint: 'Write kill:STEP/POINT, stop:STEP/POINT, lose:STEP or refuse:STEP.' })
  }
  return {
    at: (step, point) => {
      const name = points.get(`${step}/${point}`)
      if (name === undefined) return
      points.delete(`${step}/${point}`)
      signal(name)
    },
    answer: (step) => {
      const fault = answers.get(step)
      answers.delete(step)
      return fault
    },
  }
}
