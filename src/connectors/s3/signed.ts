import { createHash } from 'node:crypto'
import type { Answer } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'
import { type HttpRequest, type HttpResponse, request } from '../../outside/http/index.ts'

/** An access key as requests are signed with it. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
}

export interface Asked {
  readonly method: HttpRequest['method']
  readonly url: string
  readonly body?: string | Uint8Array
  /** The answer is no text. */
  readonly bytes?: true
}

/**
 * One request with a signature of version 4, on a connection of its own; any status is done.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export async function signed({ method, url, body, bytes }: Asked, key: AccessKey, region: string, call: Pick<Call, 'signal'>): Promise<Answer<HttpResponse>> {
  const { AwsV4Signer } = await import('aws4fetch')
  const digest = createHash('sha256').update(body ?? '').digest('hex')
  const made = await new AwsV4Signer({
    method, url, headers: { 'x-amz-content-sha256': digest }, service: 's3', region, accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey.reveal(),
  }).sign()
  const headers = Object.fromEntries(made.headers)
  return request({ method, url: made.url.href, headers, ...(body === undefined ? {} : { body }), ...(bytes === undefined ? {} : { bytes }) }, call)
}

/** The server's own word for what is wrong: `<Code>` of S3, `"Code"` of the admin API; undefined where it has none. */
export function errorCodeOf({ text }: Pick<HttpResponse, 'text'>): string | undefined {
  return (/<Code>([\w.]{1,64})<\/Code>/.exec(text) ?? /"Code":\s*"([\w.]{1,64})"/.exec(text))?.[1]
}
