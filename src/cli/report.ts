import type { KeyturnError } from '../kit/index.ts'
import type { Outcome, Watcher } from '../operations.ts'
import { atHandLine, eventLine, stopLines, waitLine } from '../views/progress.ts'
import type { Terminal } from './terminal.ts'

/** Prints a line for every event that a reader wants to see, as it happens, and counts waits down; nothing of it with `--json`. */
export function progressTo(terminal: Terminal, json: boolean): Watcher {
  const identity = (path: string): void => terminal.err(`A new identity was made: ${path}\nKeep a copy of it elsewhere: without it the sealed values cannot be opened.`)
  if (json) return { onNewIdentity: identity }
  return {
    onNewIdentity: identity,
    onEvent: (_, event, progress) => {
      const line = eventLine(event, progress, terminal.paint)
      if (line !== undefined) terminal.out(line)
      const atHand = atHandLine(progress, terminal.paint)
      if (atHand !== undefined) terminal.transient(atHand)
    },
    onWait: (stopped, now) => terminal.transient(waitLine(stopped, now, terminal.paint)),
  }
}

/** Says where a run stopped and what happens next. */
export function tellOutcome(terminal: Terminal, outcome: Outcome, json: boolean): void {
  if (json) terminal.out(JSON.stringify(outcome))
  else for (const line of stopLines(outcome, outcome.rotation, outcome.receipt, terminal.paint)) terminal.out(line)
}

/** Says why one of several rotations does not go on. */
export function tellFailure(terminal: Terminal, rotation: string, error: KeyturnError, json: boolean): void {
  if (json) terminal.out(JSON.stringify({ rotation, error: { code: error.code, message: error.message, hint: error.hint } }))
  else terminal.err(`${terminal.paint.bad(error.code)} ${rotation}: ${error.message}\n${error.hint}`)
}
