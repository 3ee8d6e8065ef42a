import type { TaskMeta } from 'vitest'
import type { Report } from '../../../demo/tally.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** How long logins failed in a rotation without an overlap: the reporter prints a table of them. */
    gap?: Gap
  }
}

export interface Gap {
  /** The system with its version, and what was rotated there. */
  readonly of: string
  /** From the first operation that failed until the last one, ms; 0 when none did. */
  readonly ms: number
  readonly failed: number
  readonly requests: number
}

/** Has the gap of this rotation told at the end of the run. Answers it. */
export function tellGap(task: { readonly meta: TaskMeta }, of: string, { failedFrom, failedUntil, failed, requests }: Report): Gap {
  const gap = { of, ms: Math.round((failedUntil ?? 0) - (failedFrom ?? 0)), failed, requests }
  task.meta.gap = gap
  return gap
}

/** The table of all gaps of a run; nothing when there was none. */
export function gapLines(gaps: readonly Gap[]): readonly string[] {
  const width = Math.max(0, ...gaps.map(({ of }) => of.length))
  const lines = gaps.map(({ of, ms, failed, requests }) => `  ${of.padEnd(width)}  ${String(ms).padStart(6)} ms  ${failed} of ${requests} operations failed`)
  return lines.length === 0 ? [] : ['In place, logins failed for:', ...lines.toSorted()]
}
