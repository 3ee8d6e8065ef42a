import { KeyturnError } from '../../kit/index.ts'
import { outbox, tryNotifier } from '../../operations/notify.ts'
import { noticeDocument, noticeLines } from '../../views/notify.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn notify list|test`: what people were told, and whether they can be. */
export async function run({ runtime, terminal }: Session, [verb = 'list', name]: readonly string[], options: CommonOptions): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  if (verb === 'test') {
    if (name === undefined) throw new KeyturnError('USAGE', '`notify test` needs the name of a notifier', { hint: `The manifest has: ${Object.keys(manifest.notifiers ?? {}).join(', ') || 'none'}.` })
    const { id } = await tryNotifier(runtime, manifest, name)
    terminal.out(json ? JSON.stringify({ notifier: name, sent: true, id }) : `${name} has it (${id}).`)
    return EXIT.done
  }
  if (verb !== 'list') throw new KeyturnError('USAGE', `there is no \`notify ${verb}\``, { hint: 'Write `notify list` or `notify test NAME`.' })
  const notices = (await outbox(runtime, manifest)).map(noticeDocument)
  if (json) terminal.out(JSON.stringify({ notices }, null, 2))
  else for (const line of noticeLines(notices, terminal.paint)) terminal.out(line)
  return EXIT.done
}
