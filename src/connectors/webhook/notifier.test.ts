import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Notice } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type NotifierWorld, notifierSuite } from '../../testing/notifier.ts'
import { type Receiver, startReceiver } from './fake.ts'
import { openNotifier } from './index.ts'
import { notifierSchema } from './notifier-schema.ts'
import { signatureOf } from './signature.ts'

const SENT = Date.UTC(2026, 0, 1, 4)
const notice: Notice = { id: 'n-1', kind: 'task-asked', severity: 'warning', title: 'mint a key', facts: { due: 3 }, system: 'atlas', environment: 'staging', at: SENT - 60_000 }

const hostOf = (values: Readonly<Record<string, string>>): Host => ({
  base: '/',
  now: () => SENT,
  resolve: async (text) =>
    new Secret(
      text.replaceAll(/\$\{env:(\w+)\}/g, (reference, name: string) => {
        if (values[name] === undefined) throw new KeyturnError('REFERENCE_UNRESOLVED', reference)
        return values[name]
      }),
    ),
  conceal: () => undefined,
})

async function makeWorld(): Promise<NotifierWorld> {
  const receiver = await startReceiver()
  const [key, token] = [generate(ALNUM, 40), generate(ALNUM, 40)]
  const config = notifierSchema.parse({ url: receiver.url, key: '${env:KEY}', auth: { Authorization: 'Bearer ${env:TOKEN}' } })
  return {
    notifier: openNotifier(config, hostOf({ KEY: key, TOKEN: token })),
    received: () => receiver.received.map(({ headers, body }) => ({ id: String(headers['webhook-id']), text: body })),
    secrets: [new Secret(key), new Secret(token)],
    break: async (fault) => {
      if (fault === 'gone') await receiver.close()
      else receiver.fault = fault
    },
    close: () => receiver.close(),
  }
}

notifierSuite(proving({ connector: 'webhook', as: 'notifier', on: 'fake' }), 'webhook', makeWorld)

async function posted(config: object, values: Readonly<Record<string, string>> = {}): Promise<Receiver['received'][number] | undefined> {
  const receiver = await startReceiver()
  try {
    const notifier = openNotifier(notifierSchema.parse({ url: receiver.url, ...config }), hostOf(values))
    const answer = await notifier.notify(notice, callWithin(5_000))
    expect(answer.is).toBe('done')
    return receiver.received[0]
  } finally {
    await receiver.close()
  }
}

describe('a notice by webhook', () => {
  it('has the form of Standard Webhooks', async () => {
    const got = await posted({})
    expect(JSON.parse(got?.body ?? '')).toEqual({
      type: 'task-asked',
      timestamp: '2026-01-01T03:59:00.000Z',
      data: { severity: 'warning', title: 'mint a key', system: 'atlas', environment: 'staging', facts: { due: 3 } },
    })
    expect(got?.headers).toMatchObject({ 'webhook-id': 'n-1', 'webhook-timestamp': String(SENT / 1000), 'content-type': 'application/json' })
    expect(got?.headers['webhook-signature']).toBeUndefined()
  })

  it('is signed over id, time and body, so that a receiver knows who sent it and when', async () => {
    const bytes = Buffer.from(generate(ALNUM, 32))
    const got = await posted({ key: '${env:KEY}' }, { KEY: `whsec_${bytes.toString('base64')}` })
    const signed = `${got?.headers['webhook-id']}.${got?.headers['webhook-timestamp']}.${got?.body}`
    expect(got?.headers['webhook-signature']).toBe(`v1,${createHmac('sha256', bytes).update(signed).digest('base64')}`)
  })

  it('is signed with each key while the key is replaced, so that a receiver with either verifies it', async () => {
    const [old, next] = [generate(ALNUM, 32), generate(ALNUM, 32)]
    const got = await posted({ key: ['${env:NEXT}', '${env:OLD}'] }, { OLD: old, NEXT: next })
    const signed = [next, old].map((key) => signatureOf(new Secret(key), 'n-1', SENT / 1000, got?.body ?? ''))
    expect(got?.headers['webhook-signature']).toBe(signed.join(' '))
  })

  it('shows who asks by a header', async () => {
    const token = generate(ALNUM, 32)
    const got = await posted({ auth: { 'X-Token': '${env:TOKEN}' } }, { TOKEN: token })
    expect(got?.headers['x-token']).toBe(token)
  })

  it('is refused before it is sent when the key does not resolve', async () => {
    const receiver = await startReceiver()
    const notifier = openNotifier(notifierSchema.parse({ url: receiver.url, key: '${env:KEY}' }), hostOf({}))
    expect(await notifier.notify(notice, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED', about: '${env:KEY}' })
    expect(receiver.received).toEqual([])
    await receiver.close()
  })

  it.each([[200, 'done'], [202, 'done'], [301, 'unknown'], [400, 'refused'], [401, 'refused'], [503, 'unknown']])('that is answered %i is %s', async (status, wanted) => {
    const receiver = await startReceiver()
    receiver.status = status
    const notifier = openNotifier(notifierSchema.parse({ url: receiver.url }), hostOf({}))
    expect((await notifier.notify(notice, callWithin(5_000))).is).toBe(wanted)
    await receiver.close()
  })
})

describe('the signature', () => {
  it('is that of the published example of Standard Webhooks', () => {
    const body = '{"test": 2432232314}'
    const wanted = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    const key = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    expect(signatureOf(new Secret(`whsec_${key}`), 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, body)).toBe(wanted)
    expect(signatureOf(new Secret(key), 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, body)).not.toBe(wanted)
    expect(signatureOf(new Secret(`whsec_${key}`), 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265331, body)).not.toBe(wanted)
  })
})
