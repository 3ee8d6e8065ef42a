import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { ALNUM, strength } from '../../kit/generate.ts'

/** Whoever sees something made with the value can try values without asking anybody, so it must hold this much chance. */
const LEAST_BITS = 128
const MOST_BYTES = 4096

/** Strict: what stands under `issuer:` with `use: random`. */
export const issuerConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,62}$/)
      .describe('What the value is, e.g. `session-key`. One name in one folder is one value, in every manifest there.'),
    format: z
      .enum(['hex', 'base64', 'base64url', 'alnum', 'uuid'])
      .describe(
        'How the value is written: lower-case hex, base64 on one line with padding, base64url without padding, letters and ' +
          'digits, or a random UUID (version 4, which holds 122 bits).',
      ),
    bytes: z
      .int()
      .max(MOST_BYTES)
      .optional()
      .describe('For hex, base64 and base64url: how many random bytes are written; 32 when neither this nor `length` is given.'),
    length: z
      .int()
      .max(2 * MOST_BYTES)
      .optional()
      .describe('Instead of `bytes`: the exact number of characters. For alnum the only way; without it: 43, which is 256 bits.'),
    strategy: z
      .enum(['in-place', 'dual-key', 'hard-cut'])
      .optional()
      .describe('One value that ends the one before; with `dual-key` two that are accepted side by side; with `hard-cut` one that all instances take at once.'),
  })
  .check((context) => {
    const problem = problemOf(context.value)
    if (problem === undefined) return
    context.issues.push({ code: 'custom', input: context.value, path: [problem.at], message: problem.says })
  })

export type IssuerConfig = z.infer<typeof issuerConfig>

interface Problem {
  readonly at: 'bytes' | 'length'
  readonly says: string
}

/** The least number of characters that holds enough. */
const LEAST_LENGTH = { hex: 32, base64: 24, base64url: 22, alnum: 22 }

function problemOf({ format, bytes, length }: Pick<IssuerConfig, 'format' | 'bytes' | 'length'>): Problem | undefined {
  if (format === 'uuid') {
    if (bytes === undefined && length === undefined) return undefined
    return { at: bytes === undefined ? 'length' : 'bytes', says: 'a uuid has one length: leave this out' }
  }
  const tooShort: Problem = { at: 'length', says: `below 128 bits: give ${LEAST_LENGTH[format]} or more` }
  if (bytes !== undefined && length !== undefined) return { at: 'length', says: 'give `bytes` or `length`, not both' }
  if (format === 'alnum') {
    if (bytes !== undefined) return { at: 'bytes', says: 'alnum is made by characters: give `length`' }
    return length !== undefined && strength(ALNUM, length) < LEAST_BITS ? tooShort : undefined
  }
  if (bytes !== undefined) return bytes * 8 < LEAST_BITS ? { at: 'bytes', says: 'below 128 bits: give 16 or more' } : undefined
  if (length === undefined) return undefined
  const count = bytesOf(format, length)
  if (count === undefined) return { at: 'length', says: `${format} has no text of ${length} characters` }
  return count * 8 < LEAST_BITS ? tooShort : undefined
}

/** How many bytes are written with so many characters; undefined when no number of bytes is. */
export function bytesOf(format: 'hex' | 'base64' | 'base64url', length: number): number | undefined {
  if (format === 'hex') return length % 2 === 0 ? length / 2 : undefined
  if (format === 'base64') return length % 4 === 0 ? (length / 4) * 3 : undefined
  return length % 4 === 1 ? undefined : Math.floor((length * 3) / 4)
}

export default describeConnector({
  id: 'random',
  title: 'Random value',
  summary: 'Makes a random value that no server knows: its consumers are the only ones who check it.',
  links: [
    'https://nodejs.org/api/crypto.html#cryptorandombytessize-callback',
    'https://www.rfc-editor.org/rfc/rfc4648',
    'https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-4',
  ],
  families: { issuer: issuerConfig },
  strategies: ['in-place', 'dual-key', 'hard-cut'],
  fields: { value: 'secret' },
})
