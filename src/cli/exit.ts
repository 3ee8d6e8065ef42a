import type { Code } from '../kit/index.ts'
import type { Stopped } from '../engine/drive.ts'

/** The exit codes of every command; scripts depend on them. */
export const EXIT = { done: 0, error: 1, usage: 2, refused: 3, waiting: 4, rolledBack: 5, person: 6 } as const

/** What each exit code means, for help and docs. */
export const EXIT_MEANS: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'error',
  2: 'usage or manifest',
  3: 'refused: a precondition, a lock or a window; nothing was changed',
  4: 'waiting for a time or a task',
  5: 'failed and rolled back',
  6: 'needs a person',
}

const USAGE: ReadonlySet<Code> = new Set<Code>(['USAGE', 'MANIFEST_INVALID', 'MANIFEST_MISSING', 'SECRET_UNKNOWN', 'ROTATION_UNKNOWN'])
const ERRORS: ReadonlySet<Code> = new Set<Code>(['INTERNAL', 'STATE_FULL', 'STATE_UNREACHABLE', 'SEAL_BROKEN', 'JOURNAL_BROKEN', 'RECEIPT_INVALID', 'STATE_NEWER', 'SERVER_ERROR'])

/** The exit code of an error. Whatever is refused before something was changed is 3. */
export function exitOf(code: Code): number {
  if (USAGE.has(code)) return EXIT.usage
  return ERRORS.has(code) ? EXIT.error : EXIT.refused
}

/** The exit code of a run. */
export function exitOfRun(stopped: Stopped): number {
  switch (stopped.is) {
    case 'closed':
      return { done: EXIT.done, 'rolled-back': EXIT.rolledBack, refused: EXIT.refused, superseded: EXIT.refused }[stopped.result]
    case 'waiting':
    case 'interrupted':
      return EXIT.waiting
    case 'person':
      return stopped.task ? EXIT.waiting : EXIT.person
  }
}

/** From what needs nobody to what needs somebody most. */
const SEVERITY: readonly number[] = [EXIT.done, EXIT.waiting, EXIT.refused, EXIT.usage, EXIT.rolledBack, EXIT.error, EXIT.person]

/** Of several rotations the exit code that must not be lost: an error is not hidden behind one that merely waits. */
export function worseExit(one: number, other: number): number {
  return SEVERITY.indexOf(one) >= SEVERITY.indexOf(other) ? one : other
}
