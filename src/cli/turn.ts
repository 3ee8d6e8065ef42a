import { request } from '../engine/request.ts'
import { findRotation } from '../state/rotation.ts'
import { EXIT } from './exit.ts'
import { progressPrinter } from './report.ts'
import { type CommonOptions, engineFor, manifestOf, type Session, stateFor } from './session.ts'
import { goOn } from './commands/resume.ts'

/** `abort` and `undo` differ in when they are possible, not in what they do: the rotation goes back. A roll-back that was asked for is 0. */
export function requestCommand(why: 'abort' | 'undo') {
  return async (session: Session, words: readonly string[], options: CommonOptions & { readonly wait?: boolean }): Promise<number> => {
    const manifest = await manifestOf(options)
    const state = await stateFor(session, manifest)
    try {
      const engine = engineFor(session, state, progressPrinter(session.terminal, options.json === true))
      const { id } = await findRotation(state.db, words[0] ?? '')
      await request(engine, id, why)
      const exit = await goOn(session, engine, manifest, id, options)
      return exit === EXIT.rolledBack ? EXIT.done : exit
    } finally {
      await state.close()
    }
  }
}
