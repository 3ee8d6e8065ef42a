import { z } from 'zod'
import { label } from '../../kit/answer.ts'
import { partsOf, placeholdersOf } from './template.ts'
import { urlSchema } from './url.ts'

/** What may stand in a URL: neither is a value. Everything else is only for headers and bodies (I11). */
const IN_URL: readonly string[] = ['id', 'tag']

const templateSchema = z
  .string()
  .refine((text) => partsOf(text) !== undefined, '`{name}` for a placeholder, `{{` or `}}` for a brace')

/** A URL whose placeholders are no values, and stand in the path or the query. */
export const requestUrlSchema = urlSchema
  .refine((text) => partsOf(text) !== undefined, '`{id}` for a placeholder, no other braces')
  .refine((text) => !/^https?:\/\/[^/?#]*[{}]/.test(text), 'a host without placeholders')
  .refine(
    (text) => placeholdersOf(text).every((name) => IN_URL.includes(name)),
    'only `{id}` and `{tag}`: everybody logs URLs; put a value in a header or the body',
  )

const headerNameSchema = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'the name of a header')

/** Headers that show who asks; only references may stand in them. */
export const authSchema = z
  .record(headerNameSchema, z.string().meta({ reference: true }))
  .optional()
  .describe('Headers that show who asks, each with a reference: `{ Authorization: "Bearer ${env:ADMIN_TOKEN}" }`.')

const SECRET_HEADER = /authorization|cookie|token|secret|password|api[_-]?key/i
const SECRET_KEY = /(?:password|passwd|secret|token|(?:api|access|private)[_-]?key)$/i
const WRITE_A_REFERENCE = 'the value is a secret by its name: write a reference such as `${env:NAME}`, or a placeholder'

/** A plan and the journal hold the configuration as it is written: a value in it would lie there for ever (I11). */
const isFilled = (text: string): boolean => text === '' || text.includes('{')

/** Whether a text anywhere below stands under a key that tells of a secret, and is a literal. */
function holdsLiteral(value: unknown, key = ''): boolean {
  if (typeof value === 'string') return SECRET_KEY.test(key) && !isFilled(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, each]) => holdsLiteral(each, Array.isArray(value) ? key : name))
}

const headersSchema = z
  .record(headerNameSchema, templateSchema)
  .refine(
    (headers) => Object.entries(headers).every(([name, text]) => !SECRET_HEADER.test(name) || isFilled(text)),
    WRITE_A_REFERENCE,
  )
  .optional()
  .describe('Sent with it; values may hold placeholders and references. An idempotency header carries `{tag}`.')

const body = {
  json: z
    .record(z.string().min(1), z.unknown())
    .refine((value) => textsIn(value).every((text) => partsOf(text) !== undefined), '`{name}` for a placeholder, `{{` or `}}` for a brace, in its texts')
    .refine((value) => !holdsLiteral(value), WRITE_A_REFERENCE)
    .optional()
    .describe('The body as JSON; every text in it may hold placeholders and references.'),
  form: z
    .record(z.string().min(1), templateSchema)
    .refine((value) => !holdsLiteral(value), WRITE_A_REFERENCE)
    .optional()
    .describe('The body as a form (application/x-www-form-urlencoded), in place of `json`.'),
}

/** What a request of any purpose consists of. */
export const requestShape = {
  headers: headersSchema,
  basic: z
    .strictObject({
      user: templateSchema.describe('The user.'),
      password: templateSchema.refine(isFilled, WRITE_A_REFERENCE).describe('The password: a placeholder or a reference.'),
    })
    .optional()
    .describe('Sent as HTTP Basic, in place of an `Authorization` header.'),
  ...body,
}

/** The method, and what it is when it is not given. */
export function methodSchema(otherwise: RequestConfig['method']): z.ZodDefault<z.ZodEnum<{ GET: 'GET'; POST: 'POST'; PUT: 'PUT'; PATCH: 'PATCH'; DELETE: 'DELETE' }>> {
  return z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default(otherwise).describe('How it is asked.')
}

/** A request as it is described, without what is done with its answer. */
export interface RequestConfig {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly basic?: { readonly user: string; readonly password: string } | undefined
  readonly json?: Readonly<Record<string, unknown>> | undefined
  readonly form?: Readonly<Record<string, string>> | undefined
}

/** Host and path of a URL as it is written, a label for messages and evidence. */
export function placeOf(url: string): string {
  return label(url.replace(/^https?:\/\//, '').replace(/[?#].*$/s, ''))
}

/** The placeholders that a request holds anywhere, each once. */
export function placeholdersIn(request: RequestConfig): readonly string[] {
  const { url, headers = {}, basic, json = {}, form = {} } = request
  const texts = [url, ...Object.values(headers), ...Object.values(basic ?? {}), ...textsIn(json), ...Object.values(form)]
  return [...new Set(texts.flatMap(placeholdersOf))]
}

/** Every text in a JSON value. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** A place in a configuration and what to write there. */
export interface Contradiction {
  readonly path: readonly string[]
  readonly message: string
}

/** What does not fit together in a request that may hold these placeholders; paths are from the request on. */
export function* contradictionsIn(request: RequestConfig, known: readonly string[]): Iterable<Contradiction> {
  const strange = placeholdersIn(request).find((placeholder) => !known.includes(placeholder))
  if (strange !== undefined) yield { path: [], message: known.length === 0 ? 'no placeholder here' : `one of ${known.map((each) => `\`{${each}}\``).join(', ')} in place of \`{${strange}}\`` }
  if (request.json !== undefined && request.form !== undefined) yield { path: [], message: '`json` or `form`, not both' }
  if (request.method === 'GET' && (request.json ?? request.form) !== undefined) yield { path: ['method'], message: 'another method than GET, which has no body' }
  if (request.basic !== undefined && Object.keys(request.headers ?? {}).some((header) => /^authorization$/i.test(header))) {
    yield { path: [], message: '`basic` or an `Authorization` header, not both' }
  }
}
