import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { lineSchema, taskSchema } from '../../kit/task.ts'
import { urlSchema } from '../../outside/http/index.ts'

const receiver = z.strictObject({
  person: lineSchema().describe('Who takes the value there, as your people know them: a name, an address, a team.'),
  how: lineSchema().optional().describe('The channel that was agreed on: `their portal, under Webhooks > Signing key`.'),
  ready: urlSchema.optional().describe('Answers 200 when the receiver works. Without it the receiver is taken for ready.'),
})

/** What stands in a consumer with `use: receivers`. */
export const consumerSchema = z.strictObject({
  receivers: z
    .record(z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name of letters, digits, `.`, `_` and `-`'), receiver)
    .refine((all) => Object.keys(all).length > 0, 'one receiver at least')
    .describe('Who outside has to take the new value, by name: each is an instance, is handed the value and acknowledges by itself.'),
  fields: z.array(z.string().min(1)).min(1).optional().describe('The fields that are handed over: one as it is, several as a JSON object. All secret ones when absent.'),
  ...taskSchema().partial().shape,
  takes: durationSchema.default('1h').describe('An estimate of how long one receiver takes, until there are measurements.'),
})

export type ConsumerConfig = z.infer<typeof consumerSchema>

export default describeConnector({
  id: 'receivers',
  title: 'Receivers',
  summary: 'Hands a value over to receivers outside (who verify your webhooks, who call your API), one by one, and waits for the word of each.',
  links: ['https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md'],
  families: { consumer: consumerSchema },
})
