import type { Notice } from '../../kit/notifier.ts'
import { noticeLines } from '../../outside/notice.ts'

/** A section holds 3,000 characters: docs.slack.dev, reference of the section block. */
const SECTION = 3_000

/** A header holds 150 characters of plain text. */
const HEADER = 150

const MARKS: Readonly<Record<Notice['severity'], string>> = { info: ':information_source:', warning: ':warning:', critical: ':rotating_light:' }

/** The body of a message: `text` for notifications, blocks for the channel. The id stands in it, so that people see what came twice. */
export function messageOf(notice: Notice): object {
  const { id, severity, title } = notice
  const head = `${MARKS[severity]} ${escaped(title)}`
  return {
    text: cut(head, SECTION),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(`${MARKS[severity]} ${title}`, HEADER), emoji: true } },
      ...(title.length + MARKS[severity].length < HEADER ? [] : [section(head)]),
      section(noticeLines(notice).map(escaped).join('\n')),
      { type: 'context', elements: [{ type: 'mrkdwn', text: escaped(id) }] },
    ],
  }
}

function section(text: string): object {
  return { type: 'section', text: { type: 'mrkdwn', text: cut(text, SECTION) } }
}

/** The three characters that mean something to Slack: docs.slack.dev, formatting message text. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
