import { rollback } from '../../operations/rollback.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly reason?: string
  readonly acceptImpact?: boolean
  readonly wait?: boolean
}

/** `keyturn rollback ROTATION`: takes back what is done, or rolls back what is open. */
export async function run({ runtime, terminal }: Session, words: readonly string[], options: Options): Promise<number> {
  const json = options.json === true
  const { reason } = options
  const outcome = await rollback(runtime, await manifestOf(options), words[0] ?? '', {
    ...progressTo(terminal, json), wait: options.wait === true, acceptImpact: options.acceptImpact === true, ...(reason === undefined ? {} : { reason }),
  })
  tellOutcome(terminal, outcome, json)
  const exit = exitOfRun(outcome)
  // An open one was asked to go back, and did: that is no failure. One of its own that ended so has failed.
  return exit === EXIT.rolledBack && outcome.takesBack === undefined ? EXIT.done : exit
}
