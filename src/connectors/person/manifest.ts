import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { lineSchema, taskSchema } from '../../kit/task.ts'
import { urlSchema } from '../../outside/http/index.ts'
import { issuerSchema } from './issuer-schema.ts'
import { atSchema } from './place.ts'

/** What stands in a consumer with `use: person`. */
export const consumerSchema = z
  .strictObject({
    services: z
      .array(z.string().min(1))
      .min(1)
      .refine((all) => new Set(all).size === all.length, 'names of services must differ')
      .describe('What a person redeploys: each is an instance. Those that have to change at the same moment belong into one consumer.'),
    at: atSchema.optional().describe('Where: the URL of the console, or a text.'),
    ...taskSchema().partial().shape,
    ready: z
      .record(z.string().min(1), urlSchema)
      .optional()
      .describe('By name of service: answers 200 when it is ready. Others are taken for ready.'),
    takes: durationSchema.default('10m').describe('An estimate of one reload, until there are measurements.'),
  })
  .refine((config) => Object.keys(config.ready ?? {}).every((name) => config.services.includes(name)), {
    path: ['ready'],
    error: '`ready` names a service that is not under `services`',
  })

export type ConsumerConfig = z.infer<typeof consumerSchema>

/** What stands in a check with `use: person`. */
export const checkSchema = z.strictObject({
  ...taskSchema().partial().shape,
  title: lineSchema().describe('What has to be so, in one line: `The bot answers a message`.'),
  at: atSchema.optional().describe('Where it is seen: a URL, or a text.'),
})

export type CheckConfig = z.infer<typeof checkSchema>

export default describeConnector({
  id: 'person',
  title: 'Person',
  summary: 'Asks a person where there is no API: to make and end credentials in a console, to redeploy, to confirm.',
  links: ['https://www.rfc-editor.org/rfc/rfc9110#name-401-unauthorized'],
  families: { issuer: issuerSchema, consumer: consumerSchema, check: checkSchema },
  strategies: ['overlap', 'in-place', 'hard-cut'],
  fields: 'configured',
})
