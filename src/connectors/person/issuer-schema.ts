import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { lineSchema, taskSchema } from '../../kit/task.ts'
import { groupSchema } from '../../outside/expectation.ts'
import { type Contradiction, contradictionsInProbe, probeSchema } from '../../outside/http/index.ts'
import { contradictionsInShapes, shapesSchema } from '../../outside/shape.ts'
import { atSchema } from './place.ts'

/** What stands under `issuer:` with `use: person`. */
export const issuerSchema = z
  .strictObject({
    name: lineSchema().describe('What the credential is, in the words of its provider: `the secret key of Clerk, production`. With `at` it names what locks are held on.'),
    at: atSchema.describe('Where it is made and ended: the URL of the console, or a text.'),
    strategy: z.enum(['overlap', 'in-place', 'hard-cut']).default('overlap').describe('How old and new overlap. `overlap`: the provider keeps several; otherwise the next one replaces the one that there is.'),
    fields: z
      .record(z.string().regex(/^[A-Za-z_][\w-]*$/, 'a name of letters, digits, `_` and `-`'), z.enum(['secret', 'plain']))
      .describe('The fields of a credential, which are asked for. `plain` ones are no secret.'),
    id: z
      .union([
        z.string().min(1),
        z.strictObject({
          field: z.string().min(1).describe('The field that holds it.'),
          matches: groupSchema.describe('The id is the group of this regular expression in the field.'),
        }),
      ])
      .optional()
      .describe('By what a person tells two credentials apart: the plain field that names it, or where it stands in the value: `{ field: key, matches: "^SG\\\\.([^.]+)\\\\." }`. Needed with `overlap`.'),
    shape: shapesSchema,
    slots: z.int().min(2).optional().describe('How many can be on at once with `overlap`. 2 when absent.'),
    settle: durationSchema.default('10s').describe('How long a new credential may take until it is accepted everywhere.'),
    derivedLife: durationSchema.optional().describe('How long what was got with a credential (a token, a session) lives on after it.'),
    lockout: z.int().min(2).optional().describe('After so many wrong logins the provider locks the account.'),
    mint: taskSchema(['tag']).partial().prefault({}).describe('How it is made. `{tag}` is unique to the attempt: a good name for it in the console.'),
    end: taskSchema(['id']).partial().optional().describe('How the old one is ended, with `overlap`. `{id}` is its id.'),
    probe: probeSchema.optional().describe('A request that shows a credential to the provider, so that the new one is proven and the old one is proven dead. Without it only consumers can tell.'),
  })
  .check((context) => {
    for (const { path, message } of contradictionsOf(context.value)) {
      context.issues.push({ code: 'custom', input: context.value, path: [...path], message })
    }
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

function* contradictionsOf({ strategy, fields, id, shape, slots, lockout, end, probe }: Omit<IssuerConfig, 'name'>): Iterable<Contradiction> {
  const overlaps = strategy === 'overlap'
  if (!Object.values(fields).includes('secret')) yield { path: ['fields'], message: 'one field at least that is `secret`' }
  if (overlaps && id === undefined) yield { path: ['id'], message: 'the plain field that names a credential: of two that are on at once a person has to know which one to end' }
  if (typeof id === 'string' && fields[id] !== 'plain') yield { path: ['id'], message: 'a field that is `plain`: the id is shown and journaled' }
  if (typeof id === 'object' && fields[id.field] === undefined) yield { path: ['id', 'field'], message: `one of ${Object.keys(fields).join(', ')}` }
  yield* contradictionsInShapes(shape, fields)
  if (!overlaps && slots !== undefined) yield { path: ['slots'], message: 'nothing: the next one replaces the one that there is' }
  if (!overlaps && end !== undefined) yield { path: ['end'], message: 'nothing: the next one ends the one that there is' }
  if (lockout !== undefined && probe === undefined) yield { path: ['lockout'], message: 'nothing: without `probe` nobody logs in' }
  if (probe !== undefined) for (const { path, message } of contradictionsInProbe(probe, fields)) yield { path: ['probe', ...path], message }
}
