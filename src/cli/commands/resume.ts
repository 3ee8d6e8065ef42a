import { resume, status } from '../../operations.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
}

/** `keyturn resume [rotation]`: goes on with what is open, oldest first, a person having looked at what was paused. */
export async function run({ runtime, terminal }: Session, [named]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const rotations = named === undefined ? (await status(manifest)).map(({ row }) => row.id).toReversed() : [named]
  if (rotations.length === 0 && !json) terminal.out('Nothing is open.')
  let worst: number = EXIT.done
  for (const rotation of rotations) {
    const outcome = await resume(runtime, manifest, rotation, { ...progressTo(terminal, json), wait: options.wait === true })
    tellOutcome(terminal, outcome, json)
    worst = Math.max(worst, exitOfRun(outcome))
  }
  return worst
}
