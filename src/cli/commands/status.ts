import { status } from '../../operations.ts'
import { statusLines, statusOf } from '../../views/status.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn status`: what is open and what it waits for. Needs no identity. */
export async function run({ terminal }: Session, _: readonly string[], options: CommonOptions): Promise<number> {
  const now = Date.now()
  const open = (await status(await manifestOf(options))).map(({ row, progress }) => statusOf(row, progress, now))
  if (options.json === true) terminal.out(JSON.stringify({ open }, null, 2))
  else for (const line of statusLines(open, terminal.paint)) terminal.out(line)
  return EXIT.done
}
