import { createHash } from 'node:crypto'
import { ALNUM, generate } from '../../kit/generate.ts'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** One access key of a user, as IAM keeps it. */
export interface FakeAccessKey {
  readonly user: string
  readonly secret: string
  on: boolean
  /** Unix ms. */
  lastUsed?: number
}

export interface FakeIam extends FaultyHttp {
  readonly keys: Map<string, FakeAccessKey>
  /** Makes an access key of a user without a request. */
  make(user: string): string
}

/**
 * IAM and STS in this process, as far as the connector asks them: requests in the query protocol, answers in XML, signatures checked.
 * The user `admin` may do everything, the others only say who they are.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
 */
export async function startFakeIam(now: () => number = Date.now): Promise<FakeIam> {
  const keys = new Map<string, FakeAccessKey>()
  const make = (user: string): string => {
    const id = `AKIA${generate('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`
    keys.set(id, { user, secret: generate(ALNUM, 40), on: true })
    return id
  }
  const answer = async (asked: HttpAsked): Promise<HttpReply> => {
    const [, id = '', , service = ''] = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(asked.headers.authorization ?? '') ?? []
    const key = keys.get(id)
    if (key === undefined || !key.on) return failure(403, 'InvalidClientTokenId')
    if (!(await isSigned(asked, { accessKeyId: id, secret: key.secret, service }))) return failure(403, 'SignatureDoesNotMatch')
    const form = new URLSearchParams(asked.body.toString())
    if (form.get('Action') === 'GetCallerIdentity') {
      return success('GetCallerIdentity', element({ Arn: `arn:aws:iam::123456789012:user/${key.user}`, UserId: 'AIDA', Account: '123456789012' }))
    }
    if (key.user !== 'admin') return failure(403, 'AccessDenied')
    return act(keys, form, make, now)
  }
  const front = await startFaultyHttp({ answer, isEffect })
  return { ...front, keys, make }
}

export function isEffect({ body }: Pick<HttpAsked, 'body'>): boolean {
  return /Action=(Create|Update|Delete)AccessKey\b/.test(body.toString())
}

interface Signer {
  readonly accessKeyId: string
  readonly secret: string
  readonly service: string
}

/** Signs the same headers again and compares. */
async function isSigned({ method, url, headers, body }: HttpAsked, { accessKeyId, secret, service }: Signer): Promise<boolean> {
  const { AwsV4Signer } = await import('aws4fetch')
  const authorization = headers.authorization ?? ''
  const names = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '').split(';').filter((name) => name !== 'host' && name !== 'x-amz-date')
  const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(authorization)?.[1] ?? ''
  const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]))
  const digest = createHash('sha256').update(body).digest('hex')
  const again = await new AwsV4Signer({
    method, url: `http://${headers.host ?? ''}${url}`, headers: { ...signed, 'x-amz-content-sha256': digest }, body: body.toString(), service, region, accessKeyId, secretAccessKey: secret,
    datetime: String(headers['x-amz-date']), allHeaders: true,
  }).sign()
  return again.headers.get('authorization')?.split('Signature=')[1] === authorization.split('Signature=')[1]
}

function act(keys: Map<string, FakeAccessKey>, form: URLSearchParams, make: (user: string) => string, now: () => number): HttpReply {
  const [action, user, id] = [form.get('Action') ?? '', form.get('UserName') ?? '', form.get('AccessKeyId') ?? '']
  const mine = [...keys].filter(([, key]) => key.user === user)
  const key = keys.get(id)
  switch (action) {
    case 'ListAccessKeys':
      return success(action, element({ UserName: user, IsTruncated: 'false' }) + element({
        AccessKeyMetadata: mine.map(([AccessKeyId, { on }]) => element({ member: element({ UserName: user, AccessKeyId, Status: on ? 'Active' : 'Inactive' }) })).join(''),
      }))
    case 'GetAccessKeyLastUsed': {
      if (key === undefined) return failure(403, 'AccessDenied')
      const used = key.lastUsed === undefined
        ? { ServiceName: 'N/A', Region: 'N/A' }
        : { LastUsedDate: new Date(key.lastUsed).toISOString(), ServiceName: 's3', Region: 'eu-central-1' }
      return success(action, element({ UserName: key.user, AccessKeyLastUsed: element(used) }))
    }
    case 'CreateAccessKey': {
      if (mine.length === 0) return failure(404, 'NoSuchEntity')
      if (mine.length >= 2) return failure(409, 'LimitExceeded')
      const made = make(user)
      const SecretAccessKey = keys.get(made)?.secret ?? ''
      return success(action, element({ AccessKey: element({ UserName: user, AccessKeyId: made, Status: 'Active', SecretAccessKey, CreateDate: new Date(now()).toISOString() }) }))
    }
    case 'UpdateAccessKey':
    case 'DeleteAccessKey':
      if (key?.user !== user) return failure(404, 'NoSuchEntity')
      if (action === 'DeleteAccessKey') keys.delete(id)
      else key.on = form.get('Status') === 'Active'
      return success(action, '')
    default:
      return failure(400, 'InvalidAction')
  }
}

/** XML elements one after the other; what stands in them is XML already. */
function element(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).map(([name, inner]) => `<${name}>${inner}</${name}>`).join('')
}

function success(action: string, result: string): HttpReply {
  const body = element({ [`${action}Response`]: element({ [`${action}Result`]: result, ResponseMetadata: element({ RequestId: 'r' }) }) })
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}

function failure(status: number, code: string): HttpReply {
  return { status, headers: { 'content-type': 'text/xml' }, body: element({ ErrorResponse: element({ Error: element({ Type: 'Sender', Code: code, Message: 'no' }), RequestId: 'r' }) }) }
}
