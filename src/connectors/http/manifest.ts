import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { expectationSchema } from '../../outside/expectation.ts'
import { urlSchema } from '../../outside/http/url.ts'

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'the name of a header')
const timeout = durationSchema.default('10s').describe('How long one request may take.')

const isSecretHeader = (name: string): boolean => /^(proxy-)?authorization$|^cookie$/i.test(name)

const stream = z
  .strictObject({
    includes: z.string().min(1).optional().describe('Text that has to come.'),
    notIncludes: z.string().min(1).optional().describe('Text that must not come, e.g. the words of a fallback answer.'),
    for: durationSchema.default('10s').describe('How long the stream is read at most.'),
  })
  .refine(
    (expected) => expected.includes !== undefined || expected.notIncludes !== undefined,
    'say what has to come, or what must not',
  )

/** What stands in a check with `use: http`. */
export const checkSchema = z
  .strictObject({
    url: urlSchema.describe('What is asked.'),
    method: z.enum(['GET', 'HEAD', 'POST']).default('GET').describe('How it is asked.'),
    headers: z
      .record(headerName, z.string())
      .refine(
        (headers) => Object.entries(headers).every(([name, value]) => !isSecretHeader(name) || value.includes('${')),
        'the value of this header is a secret: write a reference such as `${env:NAME}`',
      )
      .optional()
      .describe('Sent with it; values may hold references.'),
    body: z.string().optional().describe('Sent with POST; may hold references. JSON is sent as application/json.'),
    auth: z
      .union([
        z.strictObject({ basic: z.literal(true).describe('The fields `user` and `password` by HTTP Basic.') }),
        z.strictObject({ bearer: z.string().min(1).describe('The field that is sent as a bearer token.') }),
        z.strictObject({
          header: headerName.describe('The header that carries the field.'),
          field: z.string().min(1).describe('The field that is sent in it, as it is.'),
        }),
        z.strictObject({
          jwt: z
            .strictObject({
              alg: z.enum(['HS256', 'RS256', 'ES256', 'EdDSA']).describe('The algorithm by its name in JWS.'),
              field: z.string().min(1).describe('The field that is the key: the shared secret as UTF-8 text, or the private key.'),
              kid: z.string().min(1).optional().describe('The field that is the key id; the token carries none when absent.'),
              claims: z.record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()])).optional().describe('What the token says beside `iat`, `exp` and `jti`.'),
              life: durationSchema.default('60s').describe('How long it lives.'),
            })
            .describe('A fresh token that is signed with the credential is sent as a bearer token: what is said of it is said of the key.'),
        }),
      ])
      .optional()
      .describe('How the credential is shown; for a check with `as: new`.'),
    expect: z
      .strictObject({
        status: z.number().int().min(100).max(599).default(200).describe('The status of the answer.'),
        json: expectationSchema.shape.json,
        text: z
          .union([
            z.strictObject({ equals: z.string().describe('The whole body; white space at both ends does not count.') }),
            z.strictObject({ includes: z.string().min(1).describe('A part of the body.') }),
          ])
          .optional()
          .describe('What the body is or holds.'),
        not: z
          .strictObject({
            text: z
              .union([
                z.strictObject({ equals: z.string().describe('What the whole body must not be.') }),
                z.strictObject({ includes: z.string().min(1).describe('What the body must not hold.') }),
              ])
              .optional()
              .describe('What the body must not be or hold. An empty body fails.'),
            json: expectationSchema.shape.json.describe('Fields by path and what each must not be. An absent one fails.'),
          })
          .refine((excluded) => Object.keys(excluded).length > 0, 'say what must not be there')
          .optional()
          .describe('What must not be there.'),
        stream: stream.optional().describe('For a chunked or event stream: what has to come, and what must not.'),
      })
      .prefault({})
      .describe('What the answer has to be.'),
    timeout,
  })
  .refine((config) => config.body === undefined || config.method === 'POST', {
    path: ['body'],
    error: 'a body needs `method: POST`',
  })
  .refine((config) => config.method !== 'HEAD' || Object.keys(config.expect).every((key) => key === 'status'), {
    path: ['expect'],
    error: 'the answer to HEAD has no body: expect a status only',
  })

export type CheckConfig = z.infer<typeof checkSchema>

/** What stands under `attest:` with `use: http`. */
export const attestorSchema = z
  .strictObject({
    challenge: urlSchema.optional().describe('Where an instance answers a challenge; `{name}` is its name.'),
    challenges: z.record(z.string().min(1), urlSchema).optional().describe('The same by name of instance.'),
    field: z.string().min(1).optional().describe('The field that instances hold; `password` when absent, else the only one.'),
    entry: z.string().min(1).optional().describe('The entry of the store that instances hold, as rendered; in place of a field.'),
    timeout,
  })
  .refine((config) => (config.challenge === undefined) !== (config.challenges === undefined), 'give `challenge` or `challenges`')
  .refine((config) => config.field === undefined || config.entry === undefined, 'give `field` or `entry`, not both')

export type AttestorConfig = z.infer<typeof attestorSchema>

export default describeConnector({
  id: 'http',
  title: 'HTTP',
  summary: 'Checks what a URL answers, and asks instances to prove by a challenge which value they hold.',
  links: [
    'https://www.rfc-editor.org/rfc/rfc9110',
    'https://www.rfc-editor.org/rfc/rfc5869',
    'https://www.rfc-editor.org/rfc/rfc2104',
  ],
  families: { check: checkSchema, attestor: attestorSchema },
})
