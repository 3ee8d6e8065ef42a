import type { KeyturnError } from '../kit/index.ts'
import type { CampaignOutcome } from '../operations/carry.ts'
import type { Outcome, Watcher } from '../operations/follow.ts'
import { campaignDocument, campaignLines } from '../views/campaign.ts'
import { atHandLine, eventLine, lateLine, stopLines, waitLine } from '../views/progress.ts'
import { EXIT, exitOf, exitOfRun, worseExit } from './exit.ts'
import type { Terminal } from './terminal.ts'

/**
 * Prints a line for every event that a reader wants to see, as it happens, and counts waits down; nothing of it with `--json`. Where
 * there may be several rotations every line is `named`.
 */
export function progressTo(terminal: Terminal, json: boolean, named = false): Watcher {
  const identity = (path: string): void => terminal.err(`A new identity was made: ${path}\nKeep a copy of it elsewhere: without it the sealed values cannot be opened.`)
  if (json) return { onNewIdentity: identity }
  const { paint } = terminal
  const name = (rotation: string, line: string): string => (named ? nameIn(terminal, rotation, line) : line)
  /** What was told last of each rotation. */
  const waitedOut = new Map<string, string>()
  return {
    onNewIdentity: identity,
    onEvent: (rotation, event, progress) => {
      const line = eventLine(event, progress, paint)
      if (line !== undefined) terminal.out(name(rotation, line))
      const atHand = atHandLine(progress, paint)
      if (atHand !== undefined) terminal.transient(name(rotation, atHand))
    },
    onLate: (rotation, late, progress) => {
      const what = `${late.step.id} ${late.until}`
      if (waitedOut.get(rotation) !== what) terminal.out(name(rotation, lateLine(late, progress, paint)))
      waitedOut.set(rotation, what)
    },
    onWait: (stopped, now) => terminal.transient(waitLine(stopped, now, paint)),
  }
}

/** Says where a run stopped and what happens next. */
export function tellOutcome(terminal: Terminal, outcome: Outcome, json: boolean, named = false): void {
  const { rotation } = outcome
  if (json) terminal.out(JSON.stringify(outcome))
  else for (const line of stopLines(outcome, rotation, outcome.receipt, terminal.paint)) terminal.out(named ? nameIn(terminal, rotation, line) : line)
}

/** Says where each of several stopped that were rotated as one, and what was not begun. */
export function tellCampaign(terminal: Terminal, outcome: CampaignOutcome, json: boolean): number {
  if (json) terminal.out(JSON.stringify(campaignDocument(outcome)))
  else for (const line of campaignLines(outcome, (rotation, text) => nameIn(terminal, rotation, text), terminal.paint)) terminal.out(line)
  // What was not begun though another failed was refused; what is still to come is waited for.
  const stopped = outcome.members.some(({ outcome: own, error }) => error !== undefined || (own?.is === 'closed' && own.result !== 'done'))
  const exits = outcome.members.map(({ outcome: own, error }) => (error !== undefined ? exitOf(error.code) : own !== undefined ? exitOfRun(own) : stopped ? EXIT.refused : EXIT.waiting))
  return exits.reduce(worseExit, EXIT.done)
}

/** The line with the rotation before it, unless it names it already. */
function nameIn({ paint }: Terminal, rotation: string, line: string): string {
  return line.includes(rotation) ? line : `${paint.strong(rotation)}  ${line}`
}

/** Says why one of several rotations does not go on. */
export function tellFailure(terminal: Terminal, rotation: string, error: KeyturnError, json: boolean): void {
  if (json) terminal.out(JSON.stringify({ rotation, error: { code: error.code, message: error.message, hint: error.hint } }))
  else terminal.err(`${terminal.paint.bad(error.code)} ${rotation}: ${error.message}\n${error.hint}`)
}
