import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { State } from '../state/open.ts'

/**
 * The lock that children of an effect inherit, by what the effect changes: every rotation of this state that changes the same waits for
 * the same orphan. On this machine only; a child that another machine left is waited for by the time that its intent gives it.
 */
export function lockFile({ folder }: Pick<State, 'folder'>, resource: string): string {
  return join(folder, `${createHash('sha256').update(resource).digest('hex').slice(0, 32)}.lock`)
}
