import { z } from 'zod'
import { jsonSchema } from '../../outside/http/index.ts'

/** Codes that a refusal of the provider may mean. */
const REFUSALS = ['ADMIN_REJECTED', 'RIGHTS_MISSING', 'PRINCIPAL_MISSING', 'PRINCIPAL_IN_USE', 'SLOTS_FULL', 'CONFLICT', 'RATE_LIMITED', 'REQUEST_REFUSED'] as const

/** What a refusal of the provider means. */
export const refusalSchema = z.strictObject({
  status: z
    .int()
    .min(400)
    .max(499)
    .refine((code) => code !== 408, 'another one: after 408 nobody knows what happened')
    .describe('The status, 4xx.'),
  json: jsonSchema.optional(),
  code: z.enum(REFUSALS).describe('What it means.'),
})

export type Refusal = z.infer<typeof refusalSchema>
