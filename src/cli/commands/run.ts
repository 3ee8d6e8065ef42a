import { nextDueOf, runDue, withEngine } from '../../operations.ts'
import { EXIT, exitOf, exitOfRun } from '../exit.ts'
import { progressTo, tellFailure, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly once?: boolean
}

/** Without a nearer due time the state is looked at this often: another process may have opened something. */
const SCAN_MS = 1_000

/** `keyturn run`: goes on with everything that is due; `--once` for cron. One that fails does not keep the others from going on. */
export async function run({ runtime, terminal }: Session, _: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  return withEngine(runtime, manifest, progressTo(terminal, json), async (engine) => {
    let worst: number = EXIT.done
    const told = new Map<string, string>()
    while (!runtime.interrupt.aborted) {
      await runDue(
        engine,
        manifest,
        (outcome) => {
          worst = Math.max(worst, exitOfRun(outcome))
          told.delete(outcome.rotation)
          tellOutcome(terminal, outcome, json)
        },
        (rotation, error) => {
          worst = Math.max(worst, exitOf(error.code))
          // It stays due, so it is tried at every scan: once is enough to be told.
          if (told.get(rotation) !== error.message) tellFailure(terminal, rotation, error, json)
          told.set(rotation, error.message)
        },
      )
      if (options.once === true) return worst
      const next = await nextDueOf(engine)
      await engine.sleep(next === undefined ? SCAN_MS : Math.min(SCAN_MS, Math.max(10, next - engine.now())), runtime.interrupt)
    }
    return EXIT.done
  })
}
