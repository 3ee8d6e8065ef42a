import { createHash } from 'node:crypto'
import type { Secret } from '../../kit/secret.ts'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'
import { seal, unseal } from './envelope.ts'
import type { AccessKey } from './signed.ts'

/** One access key, as the server keeps it; that of a user has no parent. */
export interface FakeKey {
  readonly secret: string
  readonly parent?: string
  readonly name: string
  readonly on: boolean
}

export interface FakeMinio extends FaultyHttp {
  readonly root: AccessKey
  /** By access key id. */
  readonly keys: Map<string, FakeKey>
}

/**
 * A MinIO in this process, as far as the connector asks it: signatures are checked, bodies of the admin API are wrapped, objects are
 * kept. Statuses and codes are those of MinIO of 2026-02-12. Users may do everything with objects and nothing as admins.
 */
export async function startFakeMinio(root: AccessKey): Promise<FakeMinio> {
  const keys = new Map<string, FakeKey>([[root.accessKeyId, { secret: root.secretAccessKey.reveal(), name: '', on: true }]])
  const objects = new Map<string, Buffer>()
  const answer = async (asked: HttpAsked): Promise<HttpReply> => {
    const url = new URL(asked.url, `http://${asked.headers.host ?? ''}`)
    const admin = url.pathname.startsWith('/minio/admin/v3/')
    const fail = admin ? failJson : failXml
    const id = /Credential=([^/]+)\//.exec(asked.headers.authorization ?? '')?.[1] ?? ''
    const key = keys.get(id)
    if (key === undefined || !key.on) return fail(403, 'InvalidAccessKeyId')
    if (!(await isSigned(asked, url, id, key.secret))) return fail(403, 'SignatureDoesNotMatch')
    if (!admin) return serveObject(objects, asked, url)
    if (id !== root.accessKeyId) return fail(403, 'AccessDenied')
    const reply = await manage(keys, asked.method, url, asked.body.length === 0 ? {} : await bodyOf(asked.body, root.secretAccessKey))
    return typeof reply === 'object' && 'list' in reply ? { status: 200, body: await seal(root.secretAccessKey, JSON.stringify(reply.list)) } : reply
  }
  const front = await startFaultyHttp({ answer, isEffect: ({ method, url }) => method !== 'GET' && url.startsWith('/minio/') })
  return { ...front, root, keys }
}

async function bodyOf(body: Buffer, key: Secret): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await unseal(key, body) ?? '{}') as Readonly<Record<string, string>>
}

/** Signs the same request again and compares. */
async function isSigned({ method, headers, body }: HttpAsked, url: URL, accessKeyId: string, secretAccessKey: string): Promise<boolean> {
  const { AwsV4Signer } = await import('aws4fetch')
  const digest = String(headers['x-amz-content-sha256'])
  if (createHash('sha256').update(body).digest('hex') !== digest) return false
  const region = /Credential=[^/]+\/\d+\/([^/]+)\/s3\//.exec(headers.authorization ?? '')?.[1] ?? ''
  const again = await new AwsV4Signer({
    method, url: url.href, headers: { 'x-amz-content-sha256': digest }, service: 's3', region, accessKeyId, secretAccessKey, datetime: String(headers['x-amz-date']),
  }).sign()
  return again.headers.get('authorization') === headers.authorization
}

async function manage(keys: Map<string, FakeKey>, method: string, url: URL, body: Readonly<Record<string, string>>): Promise<HttpReply | { readonly list: object }> {
  const action = url.pathname.slice('/minio/admin/v3/'.length)
  const id = url.searchParams.get('accessKey') ?? ''
  const key = keys.get(id)
  const absent = failJson(404, 'XMinioInvalidIAMCredentials')
  switch (`${method} ${action}`) {
    case 'GET list-service-accounts': {
      const user = url.searchParams.get('user') ?? ''
      const accounts = [...keys].flatMap(([accessKey, { parent, name, on }]) => (parent === user ? [{ parentUser: user, accountStatus: on ? 'on' : 'off', accessKey, name }] : []))
      return { list: { accounts: accounts.length === 0 ? null : accounts } }
    }
    case 'PUT add-service-account': {
      const { accessKey = '', secretKey = '', targetUser = '', name = '' } = body
      if (keys.has(accessKey)) return failJson(400, 'XMinioIAMServiceAccountNotAllowed')
      if (keys.get(targetUser)?.parent !== undefined || !keys.has(targetUser)) return failJson(404, 'XMinioAdminNoSuchUser')
      keys.set(accessKey, { secret: secretKey, parent: targetUser, name, on: true })
      return { status: 200 }
    }
    case 'POST update-service-account':
      if (key?.parent === undefined) return absent
      keys.set(id, { ...key, secret: body['newSecretKey'] ?? key.secret, on: (body['newStatus'] ?? (key.on ? 'on' : 'off')) === 'on' })
      return { status: 204 }
    case 'DELETE delete-service-account':
      if (key?.parent === undefined) return absent
      keys.delete(id)
      return { status: 204 }
    default:
      return failJson(404, 'XMinioAdminNotFound')
  }
}

function serveObject(objects: Map<string, Buffer>, { method, body }: HttpAsked, url: URL): HttpReply {
  const found = objects.get(url.pathname)
  if (method === 'PUT') {
    objects.set(url.pathname, body)
    return { status: 200 }
  }
  if (method === 'DELETE') {
    objects.delete(url.pathname)
    return { status: 204 }
  }
  if (url.searchParams.has('list-type')) {
    const names = [...objects.keys()].map((path) => path.slice(`${url.pathname}/`.length)).filter((name) => name.startsWith(url.searchParams.get('prefix') ?? ''))
    return { status: 200, body: `<ListBucketResult>${names.map((name) => `<Contents><Key>${name}</Key></Contents>`).join('')}</ListBucketResult>` }
  }
  return found === undefined ? failXml(404, 'NoSuchKey') : { status: 200, body: found }
}

function failXml(status: number, code: string): HttpReply {
  return { status, body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>` }
}

function failJson(status: number, code: string): HttpReply {
  return { status, body: `{"Code":"${code}","Message":"no"}` }
}
