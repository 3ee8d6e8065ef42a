import type { CommonOptions, Session } from '../session.ts'
import { goBack } from './abort.ts'

/** `keyturn undo ROTATION`: turns the old credential on again in its undo window, and goes back to it. */
export function run(session: Session, words: readonly string[], options: CommonOptions & { readonly wait?: boolean }): Promise<number> {
  return goBack(session, words[0] ?? '', 'undo', options)
}
