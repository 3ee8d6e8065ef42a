import type { Notice } from '../../kit/notifier.ts'
import { noticeLines } from '../../outside/notice.ts'
import type { Library } from './library.ts'
import type { NotifierConfig } from './manifest.ts'

/** A subject is one line of a sensible length. */
const SUBJECT = 200

/**
 * The message, whole. Its id is that of the notice, so that whoever has it already can drop it; those of one rotation make one thread. No
 * machine is to answer it (RFC 3834).
 */
export function messageOf(notice: Notice, { from, to }: Pick<NotifierConfig, 'from' | 'to'>, { Composer }: Pick<Library, 'Composer'>): Promise<Buffer> {
  const { id, severity, title, system, environment, rotation, at } = notice
  const subject = `[${severity}] ${system} (${environment}): ${title}`
  const mail = new Composer({
    from, to, date: new Date(at), messageId: `<${idOf(id)}@keyturn>`,
    ...(rotation === undefined ? {} : { references: `<${idOf(rotation)}@keyturn>` }),
    subject: subject.length > SUBJECT ? `${subject.slice(0, SUBJECT - 1)}…` : subject,
    text: `${[title, '', ...noticeLines(notice), '', id].join('\n')}\n`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Keyturn-Notice': idOf(id) },
    disableFileAccess: true, disableUrlAccess: true,
  })
  return mail.compile().build()
}

function idOf(text: string): string {
  return encodeURIComponent(text)
}
