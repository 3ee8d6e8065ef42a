import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { authSchema, urlSchema } from '../../outside/http/index.ts'

const reference = z.string().meta({ reference: true })

/** What stands in a notifier with `use: webhook`. */
export const notifierSchema = z.strictObject({
  url: urlSchema.describe('Where notices are posted.'),
  auth: authSchema,
  key: z
    .union([reference, z.array(reference).min(1)])
    .optional()
    .describe('The key that signs each notice, `whsec_` and base64 or any text: the receiver verifies with it who sent the notice and when. Several while the key itself is replaced: each signs.'),
  timeout: durationSchema.default('10s').describe('How long one delivery may take.'),
})

export type NotifierConfig = z.infer<typeof notifierSchema>
