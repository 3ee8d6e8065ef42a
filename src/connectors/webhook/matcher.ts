import { z } from 'zod'
import { expectationSchema, unmet } from '../../kit/expectation.ts'
import type { HttpResponse } from '../../kit/http/index.ts'

const status = z.int().min(200).max(599)
const json = expectationSchema.shape.json.unwrap().describe('Fields of the JSON body by path and the exact value of each.')

/** An answer by its status, or by its status and fields of its body. */
export const matcherSchema = z.union([
  status,
  z.strictObject({ status: status.describe('The status.'), json: json.optional() }),
])

export type Matcher = z.infer<typeof matcherSchema>

/** Whether the answer is one of these. Half a body has no fields. */
export function isOneOf(matchers: readonly Matcher[], response: Pick<HttpResponse, 'status' | 'text'>): boolean {
  return matchers.some((matcher) => {
    if (typeof matcher === 'number') return matcher === response.status
    return matcher.status === response.status && (matcher.json === undefined || unmet({ json: matcher.json }, response.text) === undefined)
  })
}

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
  json: json.optional(),
  code: z.enum(REFUSALS).describe('What it means.'),
})

export type Refusal = z.infer<typeof refusalSchema>
