import { endPause } from '../../operations/pause.ts'
import { EXIT } from '../exit.ts'
import { progressTo } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn continue`: ends a pause. */
export async function run({ runtime, terminal }: Session, _: readonly string[], options: CommonOptions): Promise<number> {
  const manifest = await manifestOf(options)
  const ended = await endPause(runtime, manifest, progressTo(terminal, options.json === true))
  if (options.json === true) terminal.out(JSON.stringify({ ended }))
  else terminal.out(ended ? 'The pause is over. What is due goes on with `keyturn run`, or `keyturn resume`.' : 'It was not paused.')
  return EXIT.done
}
