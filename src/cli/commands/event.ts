import { KeyturnError } from '../../kit/index.ts'
import { EVENTS, markSecret, type SecretEvent } from '../../operations/events.ts'
import { withEngine } from '../../operations/follow.ts'
import { moment } from '../../views/duration.ts'
import { EXIT } from '../exit.ts'
import { progressTo } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly reason?: string
  readonly at?: string
}

/** `keyturn event SECRET compromise|expiry|provider-change`: notes what only people know; what it leads to is `due`'s and the schedule's. */
export async function run({ runtime, terminal }: Session, [secret = '', word = '']: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const { reason = '', json } = options
  const event = EVENTS.find((each) => each === word)
  if (event === undefined) throw new KeyturnError('USAGE', `there is no event ${word}`, { hint: `Write one of ${EVENTS.join(', ')}.` })
  if (reason.trim() === '') throw new KeyturnError('USAGE', '`event` needs --reason', { hint: 'Say why; the audit trail keeps it.' })
  const expiresAt = options.at === undefined ? undefined : timeOf(options.at)
  const mark = await withEngine(runtime, manifest, progressTo(terminal, json === true), (engine) => markSecret(engine, manifest, secret, { event, reason, ...(expiresAt === undefined ? {} : { expiresAt }) }))
  if (json === true) terminal.out(JSON.stringify({ ...mark, at: moment(mark.at), ...(mark.expiresAt === undefined ? {} : { expiresAt: moment(mark.expiresAt) }) }))
  else terminal.out(`Noted: ${event} of ${secret}${mark.credential === undefined ? '' : ` (${mark.credential} ${mark.fingerprint ?? ''})`}. ${nextOf(event, secret)}`)
  return EXIT.done
}

function nextOf(event: SecretEvent, secret: string): string {
  if (event === 'compromise') return `\`keyturn emergency ${secret}\` ends it at once; \`keyturn rotate ${secret}\` replaces it with no downtime.`
  return `\`keyturn due\` says by when it is to be replaced, and the schedule begins it; \`keyturn rotate ${secret}\` does so now.`
}

/** A day begins at midnight UTC. Throws USAGE for what is none. */
function timeOf(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new KeyturnError('USAGE', '--at takes a day, or a time with its zone', { hint: 'Write `2027-03-01` or `2027-03-01T12:00:00Z`.' })
  return time
}
