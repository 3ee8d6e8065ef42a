import { z } from 'zod'
import { type Answer, done, label, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { request } from '../../outside/http/index.ts'
import type { CheckConfig } from './check-schema.ts'
import { parseJson } from './json.ts'

const jszSchema = z.object({
  account_details: z.array(z.object({
    name: z.string().default(''),
    id: z.string().default(''),
    stream_detail: z.array(z.object({
      name: z.string(),
      state: z.object({ messages: z.number(), last_seq: z.number() }),
      consumer_detail: z.array(z.object({ name: z.string(), num_pending: z.number().default(0), num_ack_pending: z.number().default(0) })).nullish(),
    })).nullish(),
  })).nullish(),
})

/** What a stream holds now. */
export interface Counts {
  readonly messages: number
  /** The number of its newest message. */
  readonly last: number
  /** What waits for the consumer; absent when none is named. */
  readonly pending?: number
}

/**
 * The newest counts of a stream that one of the servers shows: copies may lag behind. Undefined, in words, when no server has it.
 * https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#jetstream-information-jsz
 */
export async function readCounts({ monitors, account, stream, consumer }: CheckConfig, call: Pick<Call, 'signal'>): Promise<Answer<Counts | string>> {
  const found: Counts[] = []
  for (const monitor of monitors) {
    const answer = await request({ method: 'GET', url: `${monitor.replace(/\/+$/, '')}/jsz?accounts=1&streams=1&consumers=1` }, call)
    if (answer.is !== 'done') return answer
    const about = label(new URL(monitor).host)
    if (answer.value.status !== 200) return unknown('SERVER_ERROR', about, { status: answer.value.status })
    const { success, data } = jszSchema.safeParse(answer.value.complete ? parseJson(answer.value.text) : undefined)
    if (!success) return refused('RESPONSE_UNFIT', about)
    const streams = (data.account_details ?? [])
      .filter(({ name, id }) => account === undefined || [name, id].includes(account))
      .flatMap((one) => (one.stream_detail ?? []).filter(({ name }) => name === stream))
    const [only, ...more] = streams
    if (more.length > 0) return done('several-accounts-have-it')
    if (only === undefined) continue
    const waits = only.consumer_detail?.find(({ name }) => name === consumer)
    // A server that has a copy of the stream may have none of the consumer.
    if (consumer !== undefined && waits === undefined) continue
    const { messages, last_seq: last } = only.state
    found.push({ messages, last, ...(waits === undefined ? {} : { pending: waits.num_pending + waits.num_ack_pending }) })
  }
  return done(found.toSorted((a, b) => b.last - a.last)[0] ?? (consumer === undefined ? 'no-such-stream' : 'no-such-stream-or-consumer'))
}
