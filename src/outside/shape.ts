import { z } from 'zod'
import type { IssuerTraits } from '../kit/issuer.ts'
import { anchoredSchema } from './anchored.ts'

/** How values look, by field, as traits have it. */
export type Shapes = NonNullable<IssuerTraits['shapes']>

const lengthSchema = z.union([
  z.int().min(1),
  z
    .string()
    .regex(/^[1-9]\d{0,4}\.\.[1-9]\d{0,4}$/, 'a number of characters, or two with `..` between them: `40..80`')
    .refine((text) => Number(text.split('..')[0]) <= Number(text.split('..')[1]), 'the smaller number first'),
])

const shape = {
  prefix: z.string().min(1).max(64).optional().describe('What it begins with: `sk-`.'),
  length: lengthSchema.optional().describe('How many characters it has: `51`, or between two numbers: `40..80`.'),
  pattern: anchoredSchema.optional().describe('A regular expression that describes all of it, as if it stood between `^` and `$`.'),
}

const shapeSchema = z.strictObject(shape).refine((given) => Object.keys(given).length > 0, '`prefix`, `length` or `pattern`')

/**
 * How a value looks that a person gives, so that a wrong paste is refused where it is given: of the one secret field, or by field.
 * Nothing of a real value belongs there: it is shown and journaled.
 */
export const shapesSchema = z
  .union([shapeSchema, z.record(z.string(), shapeSchema)])
  .optional()
  .describe('How a value looks that a person hands in, so that a wrong paste is refused at once: `{ prefix: sk-, length: 40..80 }` for the one secret field, or by field.')

type Given = z.infer<typeof shapesSchema>

/** Where the shapes contradict the fields, and what to write. */
export function* contradictionsInShapes(given: Given, fields: Readonly<Record<string, 'secret' | 'plain'>>): Iterable<{ readonly path: readonly string[]; readonly message: string }> {
  if (given === undefined) return
  const secret = Object.keys(fields).filter((name) => fields[name] === 'secret')
  if (isOne(given)) {
    if (secret.length !== 1) yield { path: ['shape'], message: `the shapes by field: \`{ ${secret[0] ?? 'field'}: { prefix: ... } }\`` }
    return
  }
  for (const name of Object.keys(given)) if (fields[name] === undefined) yield { path: ['shape', name], message: `one of ${Object.keys(fields).join(', ')}` }
}

/** The shapes as traits have them; nothing where none was given. */
export function shapesOf(given: Given, fields: Readonly<Record<string, 'secret' | 'plain'>>): { readonly shapes?: Shapes } {
  if (given === undefined) return {}
  const only = Object.keys(fields).find((name) => fields[name] === 'secret') ?? ''
  const byField = isOne(given) ? { [only]: given } : given
  return { shapes: Object.fromEntries(Object.entries(byField).map(([name, { prefix, length, pattern }]) => {
    const [min, max = min] = length === undefined ? [] : String(length).split('..').map(Number)
    return [name, { ...(prefix === undefined ? {} : { prefix }), ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }), ...(pattern === undefined ? {} : { pattern }) }]
  })) }
}

function isOne(given: NonNullable<Given>): given is z.infer<typeof shapeSchema> {
  return Object.entries(given).some(([name, value]) => name in shape && typeof value !== 'object')
}
