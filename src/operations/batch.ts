import { barrier } from '../campaign/barrier.ts'
import type { Member } from '../campaign/member.ts'
import type { DriveOptions } from '../engine/drive.ts'
import { foldProgress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import type { State } from '../state/open.ts'

/** Before which steps one of a batch looks at the others. */
const LOOKS = new Set(['preflight', 'mint', 'reload'])

/** What {@link barrier} says of a step, from the journals of the batch as they are now; of a rotation that was begun by itself, nothing. */
export function barrierOf(at: { readonly state: Pick<State, 'db'> }): NonNullable<DriveOptions['barrier']> {
  return async (progress, step) => {
    const { member } = progress
    if (member === undefined || member.batch.length < 2 || !LOOKS.has(step.do)) return undefined
    const own: Member = { id: member.own, progress }
    const batch = await Promise.all(member.batch.map(async (id) => (id === own.id ? own : { id, progress: foldProgress((await readEvents(at, id)).events) })))
    return barrier(own, batch, step)
  }
}
