import { nextDueOf, runDue, withEngine } from '../../operations.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
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
    while (!runtime.interrupt.aborted) {
      await runDue(engine, manifest, (outcome) => {
        worst = Math.max(worst, exitOfRun(outcome))
        tellOutcome(terminal, outcome, json)
      })
      if (options.once === true) return worst
      const next = await nextDueOf(engine)
      await engine.sleep(next === undefined ? SCAN_MS : Math.min(SCAN_MS, Math.max(10, next - engine.now())), runtime.interrupt)
    }
    return EXIT.done
  })
}
