import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Verdict } from '../../kit/issuer.ts'
import type { Secret } from '../../kit/secret.ts'
import { request } from '../../outside/http/index.ts'
import { placeOf, realmUrl } from './place.ts'
import { documentOf } from './token.ts'

const setSchema = z.object({ keys: z.array(z.object({ kid: z.string() })) })

/** Whether the key set of the realm, by which services verify its tokens, has a key of this id. Nothing is signed for it. */
export async function proveKey(base: string, realm: string, kid: Secret | undefined, call: Call): Promise<Answer<Verdict>> {
  const place = placeOf(base)
  if (kid === undefined) return done({ verdict: 'inconclusive', code: 'no-kid' })
  const answer = await request({ method: 'GET', url: `${realmUrl(base, realm)}/protocol/openid-connect/certs`, headers: { accept: 'application/json' } }, call)
  if (answer.is !== 'done') return answer
  const { status } = answer.value
  if (status === 404) return refused('PRINCIPAL_MISSING', `realm ${realm} at ${place}`, { status })
  const parsed = setSchema.safeParse(documentOf(answer.value))
  if (status !== 200 || !parsed.success) return unknown(status >= 500 ? 'SERVER_ERROR' : 'RESPONSE_UNFIT', place, { status })
  const listed = parsed.data.keys.some((key) => key.kid === kid.reveal())
  return done({ verdict: listed ? 'accepted' : 'rejected', code: listed ? 'listed' : 'not-listed' })
}
