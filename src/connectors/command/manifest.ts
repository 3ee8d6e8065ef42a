import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { ALNUM } from '../../kit/generate.ts'
import { describeConnector } from '../../kit/index.ts'
import { expectationSchema } from '../../outside/expectation.ts'
import { urlSchema } from '../../outside/http/url.ts'
import { argvSchema, environmentSchema } from '../../outside/process/argv.ts'
import { asksSchema } from './asks.ts'

const surroundings = {
  cwd: z.string().min(1).optional().describe("Where it runs; relative to the manifest. The manifest's folder when absent."),
  env: environmentSchema,
  timeout: durationSchema.optional().describe('How long one run may take; the time of its step when absent, and never longer.'),
}

/** The fields of its credentials that may stand in its commands. */
const FIELDS = ['user', 'password']

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

/** What stands under `issuer:` with `use: command`. */
export const issuerSchema = z
  .strictObject({
    principal: z
      .string()
      .min(1)
      .describe('The canonical name of what is rotated, e.g. `mailer@smtp.example.org`; locks are held on it. The field `user`.'),
    apply: argvSchema.describe('Replaces the password: gets JSON {"id", "fields": {"user", "password"}} on standard input, or asks for it (`asks`). `{user}` may stand in it; `{password}` with `argv: acknowledged`.'),
    asks: asksSchema(FIELDS),
    argv: z.literal('acknowledged').optional().describe('A tool takes the value in no other way than as an argument, where everybody on the machine can see it while it runs: `{password}` may stand in `apply` and `probe`. In the plan, the journal and the receipt.'),
    probe: argvSchema.describe('Logs in afresh with what it gets on standard input, as for `apply`: exit code 0 is accepted.'),
    rejectedExit: z
      .number()
      .int()
      .min(1)
      .max(125)
      .default(1)
      .describe('The exit code of `probe` that says rejected; every other one is inconclusive.'),
    strategy: z.literal('in-place').default('in-place').describe('`apply` replaces the one password that there is.'),
    length: z.number().int().min(16).max(512).default(40).describe('Characters of a new password.'),
    alphabet: z
      .string()
      .refine((text) => [...text].length >= 10 && new Set(text).size === [...text].length, 'ten characters or more, each once')
      .default(ALNUM)
      .describe('The characters of a new password; letters and digits when absent.'),
    ...surroundings,
  })
  .check((context) => {
    for (const { path, message } of contradictionsOf(context.value)) context.issues.push({ code: 'custom', input: context.value, path: [...path], message })
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

/** Where the value would be seen by everybody on the machine, and nobody has said that this is known (C-01). */
function* contradictionsOf({ apply, probe, argv, asks }: Pick<IssuerConfig, 'apply' | 'probe' | 'argv' | 'asks'>): Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }> {
  const held = Object.entries({ apply, probe }).flatMap(([name, words]) => words.flatMap((word, index) => (word.includes('{password}') ? [[name, index] as const] : [])))
  if (argv === undefined) {
    for (const path of held) yield { path, message: 'no value: everybody on the machine can see a command line; have it read standard input, or ask (`asks`). Where the tool takes it in no other way, `argv: acknowledged` beside it' }
  } else if (held.length === 0) yield { path: ['argv'], message: 'nothing: no command line here holds `{password}`' }
  if (asks !== undefined && !asks.some(({ answer }) => answer.includes('{password}'))) yield { path: ['asks'], message: 'a question that is answered with `{password}`: else the command never gets it' }
}

/** What stands in a notifier with `use: command`. */
export const notifierSchema = z.strictObject({
  run: argvSchema.describe('Gets the notice as one line of JSON on standard input, and ends with exit code 0 when it is delivered. No shell reads it.'),
  ...surroundings,
})

export type NotifierConfig = z.infer<typeof notifierSchema>

export default describeConnector({
  id: 'command',
  title: 'Command',
  summary: 'Restarts services, checks a system, changes a password or tells people by commands of your own.',
  links: ['https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02'],
  families: { issuer: issuerSchema, consumer: consumerSchema, check: checkSchema, notifier: notifierSchema },
  strategies: ['in-place'],
  fields: { user: 'plain', password: 'secret' },
})
