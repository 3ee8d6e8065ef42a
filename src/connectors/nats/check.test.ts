import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkOf, makeStreamWorld, type Stream } from '../../../test/servers/nats-jetstream.ts'
import { proving } from '../../../test/systems/claims.ts'
import type { Evidence } from '../../kit/answer.ts'
import type { CheckResult } from '../../kit/check.ts'
import { callWithin } from '../../testing/call.ts'
import { checkSuite } from '../../testing/check.ts'

/** What `/jsz` of nats-server 2.15.2 shows of a stream with a consumer. */
const state = { messages: 0, last_seq: 0, num_pending: 0, num_ack_pending: 0 }
const others: object[] = []
const server = createServer((_, answer) => {
  const { messages, last_seq, num_pending, num_ack_pending } = state
  const stream_detail = [{ name: 'WORK', state: { messages, bytes: 26 * messages, first_seq: last_seq - messages + 1, last_seq, consumer_count: 1 }, consumer_detail: [{ stream_name: 'WORK', name: 'hand', num_pending, num_ack_pending }] }]
  answer.end(JSON.stringify({ streams: 1, consumers: 1, account_details: [{ name: '$G', id: '$G', stream_detail }, ...others] }))
})
let stream: Stream

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stream = {
    monitor: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publish() {
      for (const count of ['messages', 'last_seq', 'num_pending'] as const) state[count] += 1
    },
    purge() {
      Object.assign(state, { messages: 0, num_pending: 0 })
    },
  }
})
afterAll(() => server.close())

checkSuite(proving({ connector: 'nats', as: 'check', on: 'fake' }), 'nats', () => makeStreamWorld(stream))

describe('the counts of a stream', () => {
  async function seen(expected: object, before?: Evidence, more: object = {}): Promise<CheckResult> {
    const answer = await checkOf(stream, expected, more).run(callWithin(5_000), undefined, before === undefined ? undefined : { at: 0, before })
    return answer.is === 'done' ? answer.value : expect.fail(answer.is)
  }

  it.each([
    [{ grows: true }, { messages: 5, last: 9 }, 'pass'],
    [{ grows: true }, { messages: 5, last: 10 }, 'fail'],
    [{ keeps: true }, { messages: 4, last: 9 }, 'pass'],
    // One of those that came since is gone again, or one from before.
    [{ keeps: true }, { messages: 5, last: 9 }, 'fail'],
    // Another stream of this name, which began anew.
    [{ keeps: true }, { messages: 0, last: 11 }, 'fail'],
    [{ pending: 6 }, {}, 'pass'],
    [{ pending: 5 }, {}, 'fail'],
    [{ pendingMore: 1 }, { messages: 5, last: 9, pending: 5 }, 'pass'],
    [{ pendingMore: 1 }, { messages: 5, last: 9, pending: 4 }, 'fail'],
    [{ pendingMore: 1 }, { messages: 5, last: 9 }, 'inconclusive'],
    [{ atLeast: 5 }, {}, 'pass'],
    [{ atLeast: 6 }, {}, 'fail'],
  ] as const)('%j after %j: %s', async (expected, before, verdict) => {
    Object.assign(state, { messages: 5, last_seq: 10, num_pending: 4, num_ack_pending: 2 })
    expect(await seen(expected, 'messages' in before || 'keeps' in expected ? before : undefined)).toMatchObject({ verdict, evidence: { messages: 5, last: 10, pending: 6 } })
  })

  it('are inconclusive where there is no such stream or consumer, or where several accounts have one', async () => {
    expect(await seen({ grows: true }, undefined, { stream: 'OTHER' })).toMatchObject({ verdict: 'inconclusive', evidence: { cause: 'no-such-stream-or-consumer' } })
    expect(await seen({ pending: 1 }, undefined, { consumer: 'other' })).toMatchObject({ verdict: 'inconclusive' })
    others.push({ name: 'B', id: 'ABC', stream_detail: [{ name: 'WORK', state: { messages: 1, last_seq: 1 }, consumer_detail: [{ name: 'hand', num_pending: 0 }] }] })
    expect(await seen({ grows: true })).toMatchObject({ verdict: 'inconclusive', evidence: { cause: 'several-accounts-have-it' } })
    expect(await seen({ atLeast: 1 }, undefined, { account: 'ABC' })).toMatchObject({ verdict: 'pass', evidence: { messages: 1 } })
    others.pop()
  })
})
