import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { urlSchema } from '../../outside/http/url.ts'

const quoted = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`
const matchers = String.raw`\{(?:[^{}"']|${quoted})*\}`
/** A metric by its name, with or without labels: what `timestamp()` looks through to the samples of. */
const SELECTOR = new RegExp(String.raw`^\s*(?:[a-zA-Z_:][\w:]*(?:${matchers})?|${matchers})\s*$`)

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'the name of a header')
const secret = z.string().min(1).meta({ reference: true })

const authSchema = z.union([
  z.strictObject({ bearer: secret.describe('A token; a reference such as `${env:NAME}`.') }),
  z.strictObject({
    basic: z
      .strictObject({
        user: z.string().min(1).describe('The name.'),
        password: secret.describe('The password; a reference such as `${env:NAME}`.'),
      })
      .describe('User and password by HTTP Basic.'),
  }),
])

const expectSchema = z
  .strictObject({
    equals: z.number().optional().describe('The exact value.'),
    below: z.number().optional().describe('The value is smaller.'),
    above: z.number().optional().describe('The value is greater.'),
    atMost: z.number().optional().describe('The value is not greater.'),
    atLeast: z.number().optional().describe('The value is not smaller.'),
    atMostMore: z.number().min(0).optional().describe('So much more than in preflight, series by series; one that is new began at 0.'),
    counter: z
      .boolean()
      .default(true)
      .describe('For `atMostMore`: the value only grows, so one that fell began at 0 again. `false` for a value that goes up and down.'),
  })
  .refine((expected) => Object.keys(expected).some((key) => key !== 'counter'), 'an expectation that is empty always holds: say what is expected')

/** What stands in a check with `use: prometheus`. */
export const checkSchema = z
  .strictObject({
    url: urlSchema.describe('The address of the server, without `/api/v1/query`.'),
    auth: authSchema.optional().describe('How keyturn is let in.'),
    headers: z
      .record(headerName, z.string())
      .refine((headers) => !Object.keys(headers).some((name) => /^(proxy-)?authorization$|^cookie$/i.test(name)), 'for credentials there is `auth`')
      .optional()
      .describe('Sent with it, such as `X-Scope-OrgID`; values may hold references.'),
    query: z
      .string()
      .min(1)
      .describe('PromQL. `{since}` is how long ago the change was, such as `90s`, for `increase(errors_total[{since}])`.'),
    series: z
      .enum(['all', 'any', 'sum'])
      .default('all')
      .describe('Of several series: each has to be as expected, one of them, or their sum.'),
    expect: expectSchema.describe('What the value has to be; all that is given has to hold.'),
    empty: z
      .enum(['inconclusive', 'pass', 'fail'])
      .default('inconclusive')
      .describe('What it means when there is no series, or a value is not a number.'),
    fresh: z
      .union([
        durationSchema,
        z.strictObject({
          of: z.string().regex(SELECTOR, 'a metric by its name, with or without labels').describe('The metric whose samples are looked at.'),
          within: durationSchema.describe('How old the oldest may be.'),
        }),
      ])
      .optional()
      .describe('How old samples may be; after the change they have to be of after it too. Until then it is inconclusive.'),
    before: durationSchema.default('5m').describe('What `{since}` is in preflight.'),
    warnings: z
      .enum(['inconclusive', 'ignore'])
      .default('inconclusive')
      .describe('What a warning of the server means, such as that a part of the data could not be read.'),
    timeout: durationSchema.default('10s').describe('How long one request may take.'),
  })
  .refine(({ fresh, query }) => typeof fresh !== 'string' || SELECTOR.test(query), {
    path: ['fresh'],
    error: 'the metric whose samples have to be fresh: `{ of: errors_total, within: 30s }`; the time of a computed value is that of the query',
  })

export type CheckConfig = z.infer<typeof checkSchema>

export default describeConnector({
  id: 'prometheus',
  title: 'Prometheus',
  summary: 'Checks the value of a PromQL query, by itself or against the time before the change.',
  links: [
    'https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries',
    'https://prometheus.io/docs/prometheus/latest/querying/functions/#timestamp',
    'https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness',
  ],
  families: { check: checkSchema },
})
