import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { groupSchema } from '../../outside/expectation.ts'

const path = z.string().min(1)
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** How the credential stands in the answer to `mint` or `collect`. */
export const mintedSchema = z
  .strictObject({
    id: path.optional().describe("The path of the provider's id; absent where the fields tell it."),
    fields: z.record(z.string().min(1), path).describe('The path of each field.'),
  })
  .describe('Where the credential stands in the JSON answer: names and, for lists, numbers from 0, with dots between them.')

/** How a list of credentials is read. */
export const listedSchema = {
  items: path.optional().describe('The path of the list in the answer; the whole answer when absent.'),
  complete: z
    .union([z.boolean(), z.record(path, scalar)])
    .default(false)
    .describe('Whether a credential that is missing does not exist: always, never, or when fields of the answer are so: `{ has_more: false }`.'),
  clock: path.optional().describe("The path of the server's clock in the answer; its `Date` header when absent."),
  item: z
    .strictObject({
      id: path.optional().describe('The path of the id in an item; absent where the principal has one credential, whose id is its name.'),
      where: z
        .record(path, z.union([scalar, z.strictObject({ matches: z.string().min(1).refine(isPattern, 'a regular expression').describe('A regular expression.') })]))
        .optional()
        .describe('Which items are of this principal: fields and what each is. All when absent.'),
      state: z
        .strictObject({
          path: path.describe('The path of the state in an item.'),
          off: z.array(scalar).default([]).describe('What it is when the credential is off.'),
          gone: z.array(scalar).default([]).describe('What it is when the credential is gone.'),
        })
        .optional()
        .describe('The state of an item; anything else is on, and so is every item when absent.'),
      tag: z
        .union([
          path.describe('The path of the tag in an item.'),
          z.strictObject({ path: path.describe('The path.'), matches: groupSchema.describe('Its group is the tag.') }),
        ])
        .optional()
        .describe('The tag of the attempt that made it.'),
      uses: path.optional().describe('The path of how many use it now.'),
      expires: path.optional().describe('The path of when it expires: ISO 8601 with a zone, or Unix time. Null is never.'),
      lastUsed: path.optional().describe('The path of when it was last used: ISO 8601 with a zone, or Unix time. Null is never.'),
    })
    .describe('How one credential of the list is read.'),
  recent: durationSchema.default('5m').describe('For so long after `lastUsed` a credential counts as used now.'),
  lag: durationSchema.optional().describe('How late the provider shows uses; absent: at once.'),
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp
  } catch {
    return false
  }
}
