import { pause } from '../../operations/pause.ts'
import { KeyturnError } from '../../kit/index.ts'
import { moment } from '../../views/duration.ts'
import { EXIT } from '../exit.ts'
import { progressTo } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly reason?: string
}

/** `keyturn pause --reason TEXT`: no rotation of the state begins or goes on, but back. */
export async function run({ runtime, terminal }: Session, _: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const { reason = '' } = options
  if (reason.trim() === '') throw new KeyturnError('USAGE', '`pause` needs --reason', { hint: 'Say why; whoever is stopped by it reads it.' })
  const { begun, ...held } = await pause(runtime, manifest, reason, progressTo(terminal, options.json === true))
  if (options.json === true) terminal.out(JSON.stringify({ ...held, at: moment(held.at), begun }))
  else if (begun) terminal.out('Paused. What runs stops after the step at hand; `keyturn continue` ends the pause.')
  else terminal.out(`It is paused already, by ${held.by} since ${moment(held.at)}: ${held.reason}`)
  return EXIT.done
}
