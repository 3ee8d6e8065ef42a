import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { expectationSchema } from '../../outside/expectation.ts'
import { urlSchema } from '../../outside/http/url.ts'
import { argvSchema } from '../../outside/process/argv.ts'
import { asksSchema } from './asks.ts'
import { issuerSchema } from './issuer-schema.ts'
import { surroundings } from './surroundings.ts'

/** What stands in a consumer with `use: command`. */
export const consumerSchema = z
  .strictObject({
    name: z.string().min(1).optional().describe('What plans and messages call it; the names of the services when absent.'),
    run: argvSchema.describe('Restarts the services and ends with exit code 0. No shell reads it; `{services}` is their names.'),
    asks: asksSchema([]),
    services: z
      .array(z.string().min(1))
      .min(1)
      .refine((all) => new Set(all).size === all.length, 'names of services must differ')
      .describe('What it restarts: each is an instance.'),
    ready: z
      .record(z.string().min(1), urlSchema)
      .optional()
      .describe('By name of service: answers 200 when it is ready. Others are taken for ready.'),
    readyWithin: durationSchema.default('30s').describe('How long they may take to be ready again after the command has ended.'),
    takes: durationSchema.default('10s').describe('An estimate of one run, until there are measurements.'),
    ...surroundings,
  })
  .refine((config) => Object.keys(config.ready ?? {}).every((name) => config.services.includes(name)), {
    path: ['ready'],
    error: '`ready` names a service that is not under `services`',
  })

export type ConsumerConfig = z.infer<typeof consumerSchema>

/** What stands in a check with `use: command`. */
export const checkSchema = z.strictObject({
  run: argvSchema.describe('The command. No shell reads it.'),
  credential: z
    .literal('stdin')
    .optional()
    .describe('Gets the credential as JSON {"fields": {...}} on standard input; for a check with `as: new`.'),
  expect: z
    .strictObject({
      exit: z.number().int().min(0).max(255).default(0).describe('The exit code.'),
      stdout: expectationSchema.optional().describe('What it prints.'),
    })
    .prefault({})
    .describe('When it passes.'),
  ...surroundings,
})

export type CheckConfig = z.infer<typeof checkSchema>

/** What stands in a notifier with `use: command`. */
export const notifierSchema = z.strictObject({
  run: argvSchema.describe('Gets the notice as one line of JSON on standard input, and ends with exit code 0 when it is delivered. No shell reads it.'),
  ...surroundings,
})

export type NotifierConfig = z.infer<typeof notifierSchema>

export default describeConnector({
  id: 'command',
  title: 'Command',
  summary: 'Restarts services, checks a system, changes a password, makes and ends keys, or tells people by commands of your own.',
  links: ['https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02'],
  families: { issuer: issuerSchema, consumer: consumerSchema, check: checkSchema, notifier: notifierSchema },
  strategies: ['in-place', 'overlap'],
  fields: 'configured',
})
