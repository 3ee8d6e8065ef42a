import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { reduceCause } from '../kit/error.ts'
import { endOrphan } from '../outside/process/lock.ts'

/** So long after its deadline a child is certainly not being ended by its own worker. */
const OVERDUE_MS = 2_000

/**
 * Ends the children that killed workers of this machine left behind, once their time is over: the workers of other machines go on with
 * their rotations when nothing can come late any more, and cannot see them. `folder` is the state's own on this machine.
 */
export function endOverdueOrphans(folder: string, now: number): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.lock')) continue
    try {
      endOrphan(join(folder, name), now - OVERDUE_MS)
    } catch (thrown) {
      // A command that became another user (sudo) is not ours to end.
      if (reduceCause(thrown).code !== 'EPERM') throw thrown
    }
  }
}
