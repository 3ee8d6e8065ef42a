import { z } from 'zod'
import { type Answer, done, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { documentOf, placeAt, request, trimmed } from '../../outside/http/index.ts'

/** What the token endpoint said. https://datatracker.ietf.org/doc/html/rfc6749#section-5.2 */
export interface TokenReply {
  readonly status: number
  /** Whether there is an access token. It is let go of. */
  readonly granted: boolean
  /** Its own code for what went wrong: `invalid_grant`; `none` when there is none. */
  readonly error: string
}

const replySchema = z.object({ error: z.string().optional(), access_token: z.string().optional() })

/** One request to the token endpoint (`/oauth/v2/token`). Any answer with a code of OAuth is done, also with 500; others are `unknown`. */
export async function askToken(url: string, form: Readonly<Record<string, string | Secret>>, basic: Secret | undefined, call: Call): Promise<Answer<TokenReply>> {
  const pairs = new URLSearchParams(Object.entries(form).map(([key, value]): [string, string] => [key, typeof value === 'string' ? value : value.reveal()]))
  const answer = await request({
    method: 'POST', url: `${trimmed(url)}/oauth/v2/token`,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...(basic === undefined ? {} : { authorization: basic }) },
    body: new Secret(pairs.toString()),
  }, call)
  if (answer.is !== 'done') return answer
  const { status } = answer.value
  const parsed = replySchema.safeParse(documentOf(answer.value))
  const { error, access_token: access } = parsed.success ? parsed.data : {}
  if (error === undefined && access === undefined) return unknown(status >= 500 || status === 429 ? 'SERVER_ERROR' : 'RESPONSE_UNFIT', placeAt(url), { status })
  return done({ status, granted: status === 200 && access !== undefined, error: /^\w{1,64}$/.test(error ?? '') ? (error ?? 'none') : 'none' })
}
