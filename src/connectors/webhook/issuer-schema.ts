import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { ALNUM } from '../../kit/generate.ts'
import { taskSchema } from '../../kit/task.ts'
import { groupSchema } from '../../outside/expectation.ts'
import { authSchema, matcherSchema, methodSchema, probeSchema, requestShape, requestUrlSchema } from '../../outside/http/index.ts'
import { shapesSchema } from '../../outside/shape.ts'
import { listedSchema, mintedSchema } from './answers.ts'
import { contradictionsOf } from './contradictions.ts'
import { refusalSchema } from './refusal.ts'

const matchers = z.array(matcherSchema)
const url = requestUrlSchema.describe('Where; `{id}` and `{tag}` may stand in path and query, percent-encoded. No value ever.')

const traitsSchema = z.strictObject({
  value: z.enum(['chosen', 'made']).describe('`chosen`: keyturn makes the value; `made`: the provider answers with it once.'),
  mint: z
    .enum(['adds', 'replaces', 'triggers'])
    .describe('`adds` beside the old one, `replaces` the only one, or `triggers` a rotation that the provider does in its own time.'),
  locate: z
    .enum(['value', 'tag', 'baseline', 'none'])
    .describe('How a credential whose mint got no answer is found: a chosen one by its value; a made one by its tag, by the ids that were not there before, or not at all.'),
  acceptor: z.enum(['issuer', 'consumers']).default('issuer').describe('Who checks the credential. `consumers` need no `probe`, and are the only proof.'),
  slots: z.int().min(1).optional().describe('How many credentials can be on at once. 1 when absent; needed with `adds`.'),
  settle: durationSchema.default('5s').describe('How long after its deadline a request may still have an effect.'),
  derivedLife: durationSchema.optional().describe('How long what was got with a credential (a token, a session) lives on after it.'),
  lockout: z.int().min(2).optional().describe('After so many wrong logins the provider locks the account.'),
})

/** In place of a request for which the provider has no API. */
const byHand = (name: 'id' | 'tag') => z.strictObject({ ask: taskSchema([name]).describe('What a person is asked to do.') })

const set = (what: string, method: 'POST' | 'DELETE', already: number[]) =>
  z
    .union([
      z.strictObject({
        url,
        method: methodSchema(method),
        ...requestShape,
        already: matchers.default(already).describe('Answers that say that it is so already.'),
      }),
      byHand('id'),
    ])
    .optional()
    .describe(`${what} Placeholder: \`{id}\`. Where there is no API: \`{ ask: { steps: [...] } }\`, and a person does it.`)

/** What stands under `issuer:` with `use: webhook`. */
export const issuerSchema = z
  .strictObject({
    principal: z
      .string()
      .min(1)
      .describe('The canonical name of whose credentials these are, e.g. `api.mail.example/atlas`; locks are held on it.'),
    strategy: z.enum(['overlap', 'in-place', 'hard-cut', 'provider-managed']).default('overlap').describe('How old and new overlap.'),
    fields: z
      .record(z.string().regex(/^[A-Za-z_][\w-]*$/, 'a name of letters, digits, `_` and `-`'), z.enum(['secret', 'plain']))
      .describe('The fields of a credential. `plain` ones are no secret; a field `id` is the id of the provider.'),
    id: z
      .strictObject({
        field: z.string().min(1).describe('The field that tells the id.'),
        sha256: z.literal(true).optional().describe('The id is the SHA-256 of the field, in lower-case hexadecimal.'),
        matches: groupSchema.optional().describe('The id is the group of this regular expression in the field.'),
      })
      .optional()
      .describe('How a credential tells its id. Absent: its field `id`, or without one the name of the principal, which then has one slot.'),
    shape: shapesSchema,
    traits: traitsSchema.describe('What the provider is like.'),
    generate: z
      .strictObject({
        length: z.int().min(22).max(512).default(43).describe('Characters of a new value.'),
        alphabet: z
          .string()
          .refine((text) => [...text].length >= 10 && new Set(text).size === [...text].length, 'ten characters or more, each once')
          .default(ALNUM)
          .describe('The characters of a new value; letters and digits when absent.'),
      })
      .prefault({})
      .describe('What a chosen value is made of.'),
    auth: authSchema,
    refusals: z
      .array(refusalSchema)
      .default([])
      .describe('What a 4xx means, the first that fits. Otherwise 401 is ADMIN_REJECTED, 403 RIGHTS_MISSING, 404 PRINCIPAL_MISSING, 409 CONFLICT, 429 RATE_LIMITED, others REQUEST_REFUSED.'),
    mint: z
      .union([z.strictObject({ url, method: methodSchema('POST'), ...requestShape, answer: mintedSchema.optional() }), byHand('tag')])
      .describe('Makes a credential, or starts the rotation of the provider. Placeholders: `{tag}`, and for a chosen value `{id}` and the fields. Where there is no API: `{ ask: { steps: [...] } }`, and a person makes it and hands its fields in.'),
    collect: z
      .strictObject({
        url,
        method: methodSchema('GET'),
        ...requestShape,
        answer: mintedSchema,
        pending: matchers.default([202]).describe('Answers that say that it is not finished.'),
      })
      .optional()
      .describe('Takes what a triggered rotation brought. Placeholder: `{tag}`. May be repeated.'),
    list: z
      .strictObject({ url, method: methodSchema('GET'), ...requestShape, ...listedSchema })
      .optional()
      .describe('Lists the credentials of the principal and who uses them.'),
    off: set('Turns a credential off.', 'POST', []),
    on: set('Turns it on again.', 'POST', []),
    gone: set('Ends it for good.', 'DELETE', [404, 410]),
    probe: probeSchema.optional().describe('Shows a credential to whoever checks it. Placeholders: `{id}` and the fields.'),
  })
  .check((context) => {
    for (const { path, message } of contradictionsOf(context.value)) {
      context.issues.push({ code: 'custom', input: context.value, path: [...path], message })
    }
  })

export type IssuerConfig = z.infer<typeof issuerSchema>
