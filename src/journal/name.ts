import { createHash } from 'node:crypto'
import { label } from '../kit/index.ts'

/** As much of a long id as people read. */
const SHOWN = 40

/** The id of a credential as a label for evidence and messages: as it is where that is one already, and no two ids have the same. */
export function nameOf(id: string): string {
  return label(id) === id ? id : `${label(id).slice(0, SHOWN)}#${createHash('sha256').update(id).digest('hex').slice(0, 16)}`
}
