import { runDue, withEngine } from '../../operations.ts'
import { EXIT, exitOf, exitOfRun, worseExit } from '../exit.ts'
import { progressTo, tellFailure, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly once?: boolean
}

/** `keyturn run`: goes on with everything that is due; `--once` for cron. One that fails does not keep the others from going on. */
export async function run({ runtime, terminal }: Session, _: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const once = options.once === true
  return withEngine(runtime, manifest, progressTo(terminal, json), async (engine) => {
    let worst: number = EXIT.done
    const told = new Map<string, string>()
    await runDue(engine, manifest, once, {
      onStop: (outcome) => {
        worst = worseExit(worst, exitOfRun(outcome))
        told.delete(outcome.rotation)
        tellOutcome(terminal, outcome, json)
      },
      onFailure: (rotation, error) => {
        worst = worseExit(worst, exitOf(error.code))
        // It stays due, so it is tried at every scan: once is enough to be told.
        if (told.get(rotation) !== error.message) tellFailure(terminal, rotation, error, json)
        told.set(rotation, error.message)
      },
    })
    return once ? worst : EXIT.done
  })
}
