import { turnBack } from '../../operations/rotate.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
}

/** `keyturn abort ROTATION`: rolls back what is open. A roll-back that was asked for is no failure: exit 0. */
export function run(session: Session, words: readonly string[], options: Options): Promise<number> {
  return goBack(session, words[0] ?? '', 'abort', options)
}

/** `abort` and `undo` differ in when they are possible, not in what they do. */
export async function goBack({ runtime, terminal }: Session, rotation: string, why: 'abort' | 'undo', options: Options): Promise<number> {
  const json = options.json === true
  const outcome = await turnBack(runtime, await manifestOf(options), rotation, why, { ...progressTo(terminal, json), wait: options.wait === true })
  tellOutcome(terminal, outcome, json)
  const exit = exitOfRun(outcome)
  return exit === EXIT.rolledBack ? EXIT.done : exit
}
