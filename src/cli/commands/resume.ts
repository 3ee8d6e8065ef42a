import { resume, status } from '../../operations.ts'
import { KeyturnError } from '../../kit/index.ts'
import { EXIT, exitOf, exitOfRun, worseExit } from '../exit.ts'
import { progressTo, tellFailure, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
}

/** `keyturn resume [rotation]`: goes on with what is open, oldest first, a person having looked at what was paused. */
export async function run({ runtime, terminal }: Session, [named]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const ofThis = (row: { readonly system: string; readonly environment: string }): boolean => row.system === manifest.system && row.environment === manifest.environment
  const rotations = named === undefined ? (await status(manifest)).flatMap(({ row }) => (ofThis(row) ? [row.id] : [])).toReversed() : [named]
  if (rotations.length === 0 && !json) terminal.out('Nothing is open.')
  let worst: number = EXIT.done
  for (const rotation of rotations) {
    try {
      const outcome = await resume(runtime, manifest, rotation, { ...progressTo(terminal, json), wait: options.wait === true })
      tellOutcome(terminal, outcome, json)
      worst = worseExit(worst, exitOfRun(outcome))
    } catch (thrown) {
      // One that cannot go on does not keep the others from going on.
      if (rotations.length === 1 || !(thrown instanceof KeyturnError)) throw thrown
      tellFailure(terminal, rotation, thrown, json)
      worst = worseExit(worst, exitOf(thrown.code))
    }
  }
  return worst
}
