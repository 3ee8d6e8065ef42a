import { adopt } from '../../operations/adopt.ts'
import { adoptLines } from '../../views/adopt.ts'
import { EXIT } from '../exit.ts'
import { progressTo } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly reason?: string
}

/** `keyturn adopt SECRET`: after a value was changed by hand. Nothing but the state is written. */
export async function run({ runtime, terminal }: Session, [name = '']: readonly string[], options: Options): Promise<number> {
  const json = options.json === true
  const reason = options.reason === undefined ? {} : { reason: options.reason }
  const adopted = await adopt(runtime, await manifestOf(options), name, { ...progressTo(terminal, json), ...reason })
  if (json) terminal.out(JSON.stringify(adopted, null, 2))
  else for (const line of adoptLines(adopted, terminal.paint)) terminal.out(line)
  return EXIT.done
}
