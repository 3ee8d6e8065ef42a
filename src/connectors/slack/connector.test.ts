import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Notice } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type NotifierWorld, notifierSuite } from '../../testing/notifier.ts'
import { type Slack, startSlack } from './fake.ts'
import { openNotifier } from './index.ts'
import { notifierSchema } from './manifest.ts'

const notice: Notice = { id: 'n-1', kind: 'task-asked', severity: 'warning', title: 'mint a key', facts: { due: 3 }, system: 'atlas', environment: 'staging', at: Date.UTC(2026, 0, 1) }

const hostOf = (url?: string, concealed: Secret[] = []): Host => ({
  base: '/',
  now: Date.now,
  resolve: async (text) => {
    if (url === undefined) throw new KeyturnError('REFERENCE_UNRESOLVED', text)
    return new Secret(url)
  },
  conceal: (secret) => void concealed.push(secret),
})

const config = notifierSchema.parse({ url: '${env:SLACK_URL}' })

/** What people read of a message. */
function shown(message: string): { readonly id: string; readonly text: string } {
  const { text, blocks } = JSON.parse(message) as { text: string; blocks: { text?: { text: string }; elements?: { text: string }[] }[] }
  const plain = (words: string): string => words.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
  return { id: plain(blocks.at(-1)?.elements?.[0]?.text ?? ''), text: [text, ...blocks.map((block) => block.text?.text ?? '')].map(plain).join('\n') }
}

async function makeWorld(): Promise<NotifierWorld> {
  const slack = await startSlack()
  return {
    notifier: openNotifier(config, hostOf(slack.url)),
    received: () => slack.messages.map(shown),
    secrets: [new Secret(slack.url), new Secret(new URL(slack.url).pathname)],
    break: async (fault) => {
      if (fault === 'gone') await slack.close()
      else slack.fault = fault
    },
    close: () => slack.close(),
  }
}

notifierSuite(proving({ connector: 'slack', as: 'notifier', on: 'fake' }), 'slack', makeWorld)

describe('a notice to Slack (N-01, N-02)', () => {
  const start = async (): Promise<Slack> => {
    const slack = await startSlack()
    onTestFinished(() => slack.close())
    return slack
  }

  it.each([['archived', 'NOTICE_REFUSED'], ['prohibited', 'NOTICE_REFUSED'], ['missing', 'NOTICE_REFUSED'], ['limited', 'RATE_LIMITED']] as const)('that the channel does not take (%s) is refused with %s', async (channel, code) => {
    const slack = await start()
    slack.channel = channel
    const answer = await openNotifier(config, hostOf(slack.url)).notify(notice, callWithin(5_000))
    expect(answer).toMatchObject({ is: 'refused', code })
    expect(inspect(answer, { depth: 9 })).not.toContain(new URL(slack.url).pathname)
  })

  it('says nothing that Slack takes for a link, a mention or a channel, and is never too long', async () => {
    const slack = await start()
    const title = `<!channel> <https://evil.example|here> & ${'x'.repeat(9_000)}`
    expect((await openNotifier(config, hostOf(slack.url)).notify({ ...notice, title, facts: { note: 'y'.repeat(9_000) } }, callWithin(5_000))).is).toBe('done')
    const { text, blocks } = JSON.parse(slack.messages[0] ?? '') as { text: string; blocks: { text?: { type: string; text: string } }[] }
    const read = [text, ...blocks.flatMap((block) => (block.text?.type === 'mrkdwn' ? [block.text.text] : []))]
    expect(read.join('\n')).not.toMatch(/[<>]/)
    expect(read.join('\n')).toContain('&lt;!channel&gt;')
  })

  it('is refused before it is sent when the URL does not resolve, or is none', async () => {
    expect(await openNotifier(config, hostOf()).notify(notice, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    const answer = await openNotifier(config, hostOf('hooks.slack.com/services/T1/B1/secret')).notify(notice, callWithin(5_000))
    expect(answer).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID' })
    expect(inspect(answer, { depth: 9 })).not.toContain('secret')
  })

  it('has its URL masked in every output from the moment on that it is used', async () => {
    const slack = await start()
    const concealed: Secret[] = []
    await openNotifier(config, hostOf(slack.url, concealed)).notify(notice, callWithin(5_000))
    expect(concealed.map((secret) => secret.reveal())).toContain(slack.url)
  })

  it('a URL in the clear is no configuration', () => {
    expect(notifierSchema.shape.url.meta()?.['reference']).toBe(true)
  })
})
