import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { expectationSchema } from '../../outside/expectation.ts'
import { argvSchema, environmentSchema } from '../../outside/process/argv.ts'
import { compile, compileRule, faultOf, listOf } from './pattern.ts'

const expressionSchema = z.string().superRefine((text, context) => {
  const fault = faultOf(text)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
})

const patternSchema = z.union([
  expressionSchema,
  z.strictObject({
    json: expectationSchema.shape.json.unwrap().describe('Fields of the JSON document that the line is, by path, and the exact value of each.'),
  }),
])
const patternsSchema = z.union([patternSchema, z.array(patternSchema).min(1)])

const count = z.number().int().min(0)

const ruleSchema = z
  .strictObject({
    lines: patternsSchema.describe(
      'Which lines count: regular expressions that say how a line begins (behind `prefix`), or fields of a JSON line. One of several is enough.',
    ),
    except: patternsSchema.optional().describe('Harmless lines, which do not count.'),
    ignoreCase: z.boolean().default(false).describe('Whether large and small letters are the same.'),
    example: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe('Lines that count, behind `prefix`: they show that every pattern can match. Needed with an upper bound.'),
    atMost: count.optional().describe('So many lines since the change, in all sources together; 0: none.'),
    atLeast: count.min(1).optional().describe('So many lines since the change, in every source.'),
    atMostMore: count.optional().describe('So many lines more than in as long a time before, in all sources together; see `before`.'),
  })
  .refine((rule) => (rule.atMost ?? rule.atLeast ?? rule.atMostMore) !== undefined, 'one of `atMost`, `atLeast`, `atMostMore`')
  .superRefine((rule, context) => {
    const examples = listOf(rule.example)
    const bounded = rule.atMost !== undefined || rule.atMostMore !== undefined
    const counts = compileRule(rule)
    const proven = listOf(rule.lines).every((pattern) => examples.some((example) => compile(pattern, rule.ignoreCase)(example)))
    if (examples.length === 0 ? bounded : !proven || !examples.every(counts)) {
      const message = 'lines that count, at least one for each pattern: an upper bound on a pattern that never matches proves nothing'
      context.addIssue({ code: 'custom', path: ['example'], message })
    }
  })

const prefixed = {
  prefix: expressionSchema
    .optional()
    .describe('How every entry of this source begins; cut off before lines are compared. Its group `time`, if any, holds the time. Other lines belong to none.'),
  zone: z
    .enum(['utc', 'local'])
    .optional()
    .describe('The zone of times that name none. Absent: such a time is not used.'),
}

const sourceSchema = z.union([
  z.strictObject({
    file: z.string().min(1).describe('A file that grows; relative to the manifest. Files that it was renamed to are read too.'),
    ...prefixed,
  }),
  z.strictObject({
    run: argvSchema.describe(
      'A command that prints the log and ends. `{since}` is the time from which on, as 2026-01-31T12:00:00.000Z, `{epoch}` the same in seconds since 1970.',
    ),
    cwd: z.string().min(1).optional().describe("Where it runs; relative to the manifest. The manifest's folder when absent."),
    env: environmentSchema,
    timeout: durationSchema.default('30s').describe('How long one run may take.'),
    ...prefixed,
  }),
])

export type Source = z.infer<typeof sourceSchema>

/** What stands in a check with `use: log`. */
export const checkSchema = z.strictObject({
  sources: z.array(sourceSchema).min(1).describe('Where the log is: one source for every consumer.'),
  expect: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'a name of small letters, digits and `-`'), ruleSchema)
    .refine((rules) => Object.keys(rules).length > 0, 'at least one rule, by a name of your own')
    .describe('What is counted, by names of your own, and how many lines there may be.'),
  before: durationSchema.default('10m').describe('How long before the change is looked at for `atMostMore`.'),
})

export type CheckConfig = z.infer<typeof checkSchema>

export default describeConnector({
  id: 'log',
  title: 'Log',
  summary: 'Counts lines in logs, those since the change only, and compares them with the time before.',
  links: [
    'https://docs.docker.com/reference/cli/docker/compose/logs/',
    'https://man7.org/linux/man-pages/man8/logrotate.8.html',
    'https://www.rfc-editor.org/rfc/rfc3339',
  ],
  families: { check: checkSchema },
})
