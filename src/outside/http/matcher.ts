import { z } from 'zod'
import { expectationSchema, unmet } from '../expectation.ts'
import type { HttpResponse } from './request.ts'

const status = z.int().min(200).max(599)

/** Fields of a JSON body. */
export const jsonSchema = expectationSchema.shape.json.unwrap().describe('Fields of the JSON body by path and the exact value of each.')

/** An answer by its status, or by its status and fields of its body. */
export const matcherSchema = z.union([
  status,
  z.strictObject({ status: status.describe('The status.'), json: jsonSchema.optional() }),
])

export type Matcher = z.infer<typeof matcherSchema>

/** Whether the answer is one of these. Half a body has no fields. */
export function isOneOf(matchers: readonly Matcher[], response: Pick<HttpResponse, 'status' | 'text'>): boolean {
  return matchers.some((matcher) => {
    if (typeof matcher === 'number') return matcher === response.status
    return matcher.status === response.status && (matcher.json === undefined || unmet({ json: matcher.json }, response.text) === undefined)
  })
}
