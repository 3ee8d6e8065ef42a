import { z } from 'zod'
import { type Answer, done, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { documentOf, placeAt, request, trimmed } from '../../outside/http/index.ts'

const errorSchema = z.object({ error: z.object({ type: z.string().nullish(), message: z.string().default('') }) })

/** What LiteLLM says of the key itself, and of nothing else: a blocked team or an end of its database are 401 and 5xx as well. */
const REJECTIONS: readonly (readonly [code: string, type: RegExp, message: RegExp])[] = [
  ['no such key', /^token_not_found_in_db$/, /./],
  ['no such key', /^auth_error$/, /Invalid proxy server token passed/],
  ['blocked', /^auth_error$/, /Key is blocked/],
  ['expired', /^expired_key$/, /./],
]

/**
 * Shows the key where models are listed, which every key may ask for and which costs nothing. 401 of a key that is not there, is blocked or
 * has run out is a verdict; a 401 for another reason (`Team=... is blocked`) is none.
 * https://docs.litellm.ai/docs/proxy/virtual_keys; the words are those of litellm/proxy/auth/user_api_key_auth.py
 */
export async function proveKey(base: string, key: Secret | undefined, call: Call): Promise<Answer<Verdict>> {
  if (key === undefined) return done({ verdict: 'inconclusive', code: 'no-key' })
  const answer = await request({ method: 'GET', url: `${trimmed(base)}/v1/models`, headers: { accept: 'application/json', authorization: new Secret(`Bearer ${key.reveal()}`) } }, call)
  if (answer.is !== 'done') return answer
  const { status } = answer.value
  if (status >= 500 || status === 429) return unknown('SERVER_ERROR', placeAt(base), { status })
  if (status === 200) return done({ verdict: 'accepted', code: '200' })
  const parsed = errorSchema.safeParse(documentOf(answer.value))
  const { type = '', message = '' } = parsed.success ? parsed.data.error : {}
  const rejection = status === 401 ? REJECTIONS.find(([, wanted, words]) => wanted.test(type ?? '') && words.test(message)) : undefined
  return done(rejection === undefined ? { verdict: 'inconclusive', code: String(status) } : { verdict: 'rejected', code: `${status} ${rejection[0]}` })
}
