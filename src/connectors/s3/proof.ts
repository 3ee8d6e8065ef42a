import { randomUUID } from 'node:crypto'
import { type Answer, done } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Verdict } from '../../kit/issuer.ts'
import type { IssuerConfig } from './manifest.ts'
import { type AccessKey, errorCodeOf, signed } from './signed.ts'

/** What S3 says of who asks, and of nothing else. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const REJECTIONS: readonly string[] = ['InvalidAccessKeyId', 'SignatureDoesNotMatch']

type Place = Pick<IssuerConfig, 'bucket' | 'prefix' | 'proof' | 'region'>

/**
 * Works with an access key at one address, in this order as far as `proof` has it: puts an object of its own, reads it, finds it in
 * the list, deletes it. `code` is the first answer that is not as it should be, with the step: `put 403 SignatureDoesNotMatch`.
 */
export async function prove(at: string, { bucket, prefix, proof, region }: Place, key: AccessKey, call: Call): Promise<Answer<Verdict>> {
  const name = `${prefix}keyturn-proof-${randomUUID()}`
  const body = randomUUID()
  const root = at.replace(/\/$/, '')
  const [object, list] = [`${root}/${bucket}/${name}`, `${root}/${bucket}?list-type=2&max-keys=1&prefix=${encodeURIComponent(proof.includes('put') ? name : prefix)}`]
  const steps = [
    { step: 'put', method: 'PUT', url: object, fits: () => true },
    { step: 'get', method: 'GET', url: object, fits: (text: string) => text === body },
    { step: 'list', method: 'GET', url: list, fits: (text: string) => !proof.includes('put') || text.includes(`<Key>${name}</Key>`) },
    { step: 'delete', method: 'DELETE', url: object, fits: () => true },
  ] as const
  let first: Verdict | undefined
  let there = false
  for (const { step, method, url, fits } of steps) {
    // After something has gone wrong the only thing left is to take our object away.
    const wanted = first === undefined ? proof.includes(step) : step === 'delete' && there
    // Without `put` there is nothing to read or to delete: absent is answered as such, to those who may look.
    if (!wanted) continue
    const answer = await signed({ method, url, ...(step === 'put' ? { body } : {}) }, key, region, call)
    if (answer.is !== 'done') {
      if (first === undefined) return answer
      continue
    }
    const { status, text } = answer.value
    if (step === 'put' && status < 300) there = true
    const absent = status === 404 && !there && errorCodeOf(answer.value) === 'NoSuchKey'
    if ((status < 300 && fits(text)) || absent) continue
    const code = errorCodeOf(answer.value) ?? 'unfit'
    first ??= { verdict: status === 403 && REJECTIONS.includes(code) ? 'rejected' : 'inconclusive', code: `${step} ${status} ${code}` }
  }
  return done(first ?? { verdict: 'accepted', code: proof.join(' ') })
}
