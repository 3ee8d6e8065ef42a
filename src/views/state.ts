import type { Copied } from '../copying/copy.ts'
import type { Paint } from './paint.ts'

/** A state that was moved. `named`: the new place is not the manifest's yet. */
export function copyLines({ from, to, counts, open }: Copied, named: boolean, paint: Paint): string[] {
  return [
    paint.good(`Moved: ${counts.rotation} rotations (${open} open), ${counts.event} entries, ${counts.credential} credentials, ${counts.receipt} receipts.`),
    `  from ${from}, which is only read from now on`,
    `  to   ${to}`,
    ...(named ? ['Put the new place under `state` in the manifest; then what is open goes on.'] : ['What is open goes on.']),
  ]
}

/** What `state check --json` gives. */
export interface CheckReport {
  readonly state: string
  readonly rotations: number
  readonly entries: number
  /** Sealed values that were opened to see whether they can be. */
  readonly opened: number
  readonly problems: readonly string[]
  readonly notices: readonly string[]
}

/** What a look at a state found. */
export function checkLines({ state, rotations, entries, opened, problems, notices }: CheckReport, paint: Paint): string[] {
  const counts = `${rotations} rotations, ${entries} entries, ${opened} sealed values opened`
  const found = problems.length === 0 ? [paint.good(`Sound: ${state}; ${counts}.`)] : [paint.bad(`${problems.length} problems in ${state}; ${counts}:`), ...problems.map((problem) => `  ${problem}`)]
  return [...found, ...notices.map((notice) => paint.warn(`  ${notice}`))]
}
