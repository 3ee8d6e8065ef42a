import { type Answer, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import { placeOf, type RequestConfig } from './described.ts'
import { type HttpResponse, request } from './request.ts'
import { fill, fillUrl, type Values } from './template.ts'

/**
 * Sends a described request, with its placeholders filled and its references resolved at this moment. Any status is done; what
 * goes wrong is as for {@link request}, and a reference that does not resolve, or an id that cannot stand in a URL, is refused
 * before anything is sent.
 */
export async function send(
  asked: RequestConfig,
  auth: Readonly<Record<string, string>>,
  values: Values,
  host: Pick<Host, 'resolve'>,
  call: Pick<Call, 'signal'>,
): Promise<Answer<HttpResponse>> {
  const url = fillUrl(asked.url, values)
  if (url === undefined) return refused('MANIFEST_INVALID', `an id that cannot stand in ${placeOf(asked.url)}`)
  try {
    const { type, body } = await bodyOf(asked, values, host)
    const headers: Record<string, string | Secret> = { accept: 'application/json', ...type }
    for (const [name, text] of Object.entries(auth)) headers[name.toLowerCase()] = await host.resolve(text)
    for (const [name, text] of Object.entries(asked.headers ?? {})) headers[name.toLowerCase()] = await fill(text, values, host)
    if (asked.basic !== undefined) headers['authorization'] = await basic(asked.basic, values, host)
    return await request({ method: asked.method, url, headers, ...(body === undefined ? {} : { body }) }, call)
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

async function bodyOf(
  { json, form }: RequestConfig,
  values: Values,
  host: Pick<Host, 'resolve'>,
): Promise<{ readonly type: Readonly<Record<string, string>>; readonly body?: Secret }> {
  if (json !== undefined) {
    return { type: { 'content-type': 'application/json' }, body: new Secret(JSON.stringify(await filled(json, values, host))) }
  }
  if (form === undefined) return { type: {} }
  const pairs = new URLSearchParams()
  for (const [name, text] of Object.entries(form)) pairs.append(name, (await fill(text, values, host)).reveal())
  return { type: { 'content-type': 'application/x-www-form-urlencoded' }, body: new Secret(pairs.toString()) }
}

/** A JSON value with every text in it filled. Holds values: only its written form, a Secret, leaves this file. */
async function filled(value: unknown, values: Values, host: Pick<Host, 'resolve'>): Promise<unknown> {
  if (typeof value === 'string') return (await fill(value, values, host)).reveal()
  if (Array.isArray(value)) return Promise.all(value.map((each) => filled(each, values, host)))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(async ([key, each]) => [key, await filled(each, values, host)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

async function basic(
  { user, password }: NonNullable<RequestConfig['basic']>,
  values: Values,
  host: Pick<Host, 'resolve'>,
): Promise<Secret> {
  const pair = `${(await fill(user, values, host)).reveal()}:${(await fill(password, values, host)).reveal()}`
  return new Secret(`Basic ${Buffer.from(pair).toString('base64')}`)
}
