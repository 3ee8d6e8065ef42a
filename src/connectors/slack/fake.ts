import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { ALNUM, generate } from '../../kit/generate.ts'

/** What goes wrong: `slow` never answers, `error` is a 500, `reset` cuts the connection after the message was taken. */
export type SlackFault = 'none' | 'slow' | 'error' | 'reset'

/** What the webhook is like: `archived` and the others answer as Slack documents it, `limited` with 429. */
export type SlackChannel = 'open' | 'archived' | 'prohibited' | 'missing' | 'limited'

/** Slack's side of one incoming webhook, on loopback in this process. */
export interface Slack {
  /** Whoever has it can post. */
  readonly url: string
  fault: SlackFault
  channel: SlackChannel
  /** The messages that were posted, as they came. */
  readonly messages: readonly string[]
  /** Stops listening. May be repeated. */
  close(): Promise<void>
}

const REFUSALS: Readonly<Record<Exclude<SlackChannel, 'open'>, readonly [status: number, says: string]>> = {
  archived: [410, 'channel_is_archived'], prohibited: [403, 'action_prohibited'], missing: [404, 'no_service'], limited: [429, 'rate_limited'],
}

/** Starts one on a free port. */
export async function startSlack(): Promise<Slack> {
  const path = `/services/T${generate(ALNUM, 8)}/B${generate(ALNUM, 8)}/${generate(ALNUM, 24)}`
  const messages: string[] = []
  const answer = (response: ServerResponse, status: number, says: string, headers: Record<string, string> = {}): void => void response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(says)
  const server = createServer((asked, response) => {
    text(asked).then(
      (body) => {
        if (asked.method !== 'POST' || asked.url !== path) return answer(response, 404, 'no_service')
        if (!isMessage(body) || asked.headers['content-type']?.startsWith('application/json') !== true) return answer(response, 400, 'invalid_payload')
        if (slack.channel !== 'open') return answer(response, ...REFUSALS[slack.channel], slack.channel === 'limited' ? { 'retry-after': '30' } : {})
        if (slack.fault === 'error') return answer(response, 500, 'rollup_error')
        messages.push(body)
        if (slack.fault === 'reset') return void response.destroy()
        if (slack.fault !== 'slow') answer(response, 200, 'ok')
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const slack: Slack = {
    url: `http://127.0.0.1:${port}${path}`,
    fault: 'none',
    channel: 'open',
    messages,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return slack
}

interface Block {
  readonly type: string
  readonly text?: { readonly text?: string }
  readonly elements?: readonly { readonly text?: string }[]
}

/** Whether Slack would take it: JSON with a text, blocks within their limits. */
function isMessage(body: string): boolean {
  try {
    const { text: words, blocks = [] } = JSON.parse(body) as { readonly text?: unknown; readonly blocks?: readonly Block[] }
    return typeof words === 'string' && words !== '' && blocks.length <= 50 && blocks.every(isBlock)
  } catch {
    return false
  }
}

function isBlock({ type, text: words, elements }: Block): boolean {
  const length = words?.text?.length ?? 0
  if (type === 'header') return length > 0 && length <= 150
  if (type === 'section') return length > 0 && length <= 3_000
  return type === 'context' && (elements ?? []).length > 0 && (elements ?? []).length <= 10
}
