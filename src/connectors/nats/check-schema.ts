import { z } from 'zod'
import { urlSchema } from '../../outside/http/index.ts'

const count = z.number().int().min(0)

const expectSchema = z
  .strictObject({
    atLeast: count.optional().describe('So many messages are in the stream.'),
    keeps: z.literal(true).optional().describe('No message that was in it in preflight is gone from it. For a stream from which nothing is taken away.'),
    grows: z.literal(true).optional().describe('A message has come since preflight: its publishers go on.'),
    pending: count.optional().describe('So many messages at most wait for the consumer, those included that it has not acknowledged.'),
    pendingMore: count.optional().describe('So many more than in preflight at most wait for it.'),
  })
  .refine((expected) => Object.keys(expected).length > 0, 'an expectation that is empty always holds: say what is expected')

/** What stands in a check with `use: nats`. */
export const checkSchema = z
  .strictObject({
    monitors: z.array(urlSchema).min(1).describe('The monitoring ports of the servers with JetStream: `http://n1.example:8222`. The newest counts of the stream are looked at.'),
    account: z.string().min(1).optional().describe('The account of the stream, its name or its public key; needed where several have a stream of this name.'),
    stream: z.string().regex(/^[^\s.*>/\\]+$/, 'the name of a stream').describe('The stream.'),
    consumer: z.string().regex(/^[^\s.*>/\\]+$/, 'the name of a consumer').optional().describe('A durable consumer of it.'),
    expect: expectSchema.describe('What the counts have to be; all that is given has to hold.'),
  })
  .refine(({ consumer, expect: { pending, pendingMore } }) => consumer !== undefined || (pending === undefined && pendingMore === undefined), { path: ['consumer'], error: 'whose messages are pending' })

export type CheckConfig = z.infer<typeof checkSchema>
export type Expected = z.infer<typeof expectSchema>
