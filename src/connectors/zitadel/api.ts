import type { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { askAdmin, placeAt, resolved, trimmed } from '../../outside/http/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** A method of a v2 service, as its documentation names it. */
export type Method = `zitadel.${'user' | 'application'}.v2.${string}/${string}`

/** Asks one method of an API as the admin; undefined when Zitadel knows no such thing. */
export type Api = <T>(method: Method, body: object, schema: z.ZodType<T>, call: Call) => Promise<Answer<T | undefined>>

/**
 * The v2 APIs by the Connect protocol: `POST /SERVICE/METHOD` with JSON, whose errors have the HTTP status of their code.
 * https://zitadel.com/docs/apis/introduction and https://connectrpc.com/docs/protocol/#error-codes
 */
export function openApi({ url, admin }: Pick<IssuerConfig, 'url' | 'admin'>, host: Pick<Host, 'resolve'>): Api {
  return async (method, body, schema, call) => {
    const token = await resolved(admin, host, call)
    if (token.is !== 'done') return token
    const about = `${method.split('/')[1] ?? method} at ${placeAt(url)}`
    const answer = await askAdmin({ method: 'POST', url: `${trimmed(url)}/${method}`, token: token.value, headers: { 'connect-protocol-version': '1' }, body }, about, call)
    if (answer.is !== 'done') return answer
    const { status, document } = answer.value
    if (status === 404) return done(undefined)
    if (status >= 400) return refused('REQUEST_REFUSED', about, { status })
    const parsed = schema.safeParse(document)
    return parsed.success ? done(parsed.data) : unknown('RESPONSE_UNFIT', about, { status })
  }
}
