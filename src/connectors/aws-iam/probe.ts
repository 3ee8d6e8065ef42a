import { type Answer, done, label } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Verdict } from '../../kit/issuer.ts'
import { type AwsKey, errorNameOf, inSession, isAboutTime } from '../../outside/aws/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { keySession, stsSdk } from './sessions.ts'

/** What STS says of the key and of nothing else. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html */
const REJECTIONS: readonly string[] = ['InvalidClientTokenId', 'SignatureDoesNotMatch', 'InvalidAccessKeyId', 'UnrecognizedClientException']

/**
 * Asks STS who the key is, which nobody can be denied. A key of another user is `inconclusive`: it says nothing of ours.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export function probe(config: IssuerConfig, host: Pick<Host, 'resolve'>, key: AwsKey, call: Call): Promise<Answer<Verdict>> {
  return inSession(keySession(config, host, key), call, async (client): Promise<Answer<Verdict>> => {
    const { GetCallerIdentityCommand } = await stsSdk()
    try {
      const { Arn = '' } = await client.send(new GetCallerIdentityCommand({}), { abortSignal: call.signal })
      return done(Arn.endsWith(`/${config.user}`) ? { verdict: 'accepted', code: '200' } : { verdict: 'inconclusive', code: 'another-user' })
    } catch (thrown) {
      const name = errorNameOf(thrown)
      if (name === undefined) throw thrown
      return done({ verdict: REJECTIONS.includes(name) && !isAboutTime(thrown) ? 'rejected' : 'inconclusive', code: label(name) })
    }
  })
}
