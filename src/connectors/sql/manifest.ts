import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { isLogin } from './place.ts'

const count = z.number().int().min(0)

/** What stands in a check with `use: sql`. */
export const checkSchema = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .meta({ reference: true })
      .optional()
      .describe('A reference to the postgres:// URL of some login: `${env:APP_DATABASE_URL}`. The check is one of health then.'),
    login: z
      .string()
      .refine(isLogin, 'a postgres:// URL with fields in it: `postgres://{user}:{password}@db:5432/app`')
      .optional()
      .describe('In place of `url`, for a check with `as: new`: the URL with the fields of the credential; they are percent-encoded.'),
    query: z.string().min(1).describe('One SELECT, VALUES, TABLE or WITH. It runs in a read-only transaction that is rolled back.'),
    expect: z
      .strictObject({
        rows: count.optional().describe('So many rows.'),
        equals: z
          .union([z.string(), z.number(), z.boolean(), z.null()])
          .optional()
          .describe('The one value: one row, one column. A number is compared as one, a text with the text that psql shows.'),
        below: z.number().optional().describe('The one value is a number and smaller.'),
        above: z.number().optional().describe('The one value is a number and greater.'),
        atMost: z.number().optional().describe('The one value is a number and not greater.'),
        atLeast: z.number().optional().describe('The one value is a number and not smaller.'),
      })
      .refine((expected) => Object.keys(expected).length > 0, 'an expectation that is empty always holds: say what is expected')
      .describe('What it has to answer; all that is given has to hold.'),
    timeout: durationSchema.default('10s').describe('How long login and query may take together.'),
  })
  .refine(({ url, login }) => (url === undefined) !== (login === undefined), 'give `url`, or `login` for a check with `as: new`')

export type CheckConfig = z.infer<typeof checkSchema>

export default describeConnector({
  id: 'sql',
  title: 'SQL',
  summary: 'Checks what a query over PostgreSQL answers, also by a fresh login with the new credential.',
  links: [
    'https://www.postgresql.org/docs/current/sql-declare.html',
    'https://www.postgresql.org/docs/current/sql-set-transaction.html',
    'https://www.postgresql.org/docs/current/errcodes-appendix.html',
  ],
  families: { check: checkSchema },
})
