import { createPublicKey, createVerify, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { ALNUM, generate } from '../../kit/generate.ts'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** A key of a service account: its public half, as Zitadel keeps it. */
interface FakeKey {
  readonly userId: string
  readonly publicKey: KeyObject
  readonly created: string
  readonly expires: string
}

/** An application of OIDC. */
interface FakeApplication {
  readonly project: string
  readonly client: string
  secret: string
  active: boolean
  method: 'BASIC' | 'POST' | 'NONE' | 'PRIVATE_KEY_JWT'
}

/** A Zitadel in this process, as far as the connector and its users ask it. */
export interface FakeZitadel extends FaultyHttp {
  /** The personal access token of an admin. */
  readonly token: string
  readonly keys: Map<string, FakeKey>
  readonly applications: Map<string, FakeApplication>
  /** Makes a key of a service account without a request; answers its file. */
  makeKey(userId: string): string
  /** Makes an application without a request. */
  makeApplication(id: string): FakeApplication
  /** As versions before the fixes of its issues 11892 and 11924 (`old`), or after both (`fixed`). In between when not called. */
  behaveAs(version: 'old' | 'fixed'): void
}

/**
 * Starts one on a free port. Methods, fields and codes are those of proto/zitadel/{user,application}/v2 and of the token endpoint of Zitadel 4:
 * internal/api/oidc/{client,token_code,token_jwt_profile,error}.go, its issues 11892 and 11924.
 */
export async function startFakeZitadel(now: () => number = Date.now): Promise<FakeZitadel> {
  const token = generate(ALNUM, 71)
  const keys = new Map<string, FakeKey>()
  const applications = new Map<string, FakeApplication>()
  let version: 'old' | 'between' | 'fixed' = 'between'
  let [url, ids] = ['', 349_000_000_000_000_001n]
  const nextId = (): string => String(ids += 65_537n)

  const makeKey = (userId: string, expires = '9999-12-31T23:59:59Z'): string => {
    // Zitadel's have 2048 bits; these are made by the hundred.
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024, privateKeyEncoding: { type: 'pkcs1', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
    const keyId = nextId()
    keys.set(keyId, { userId, publicKey: createPublicKey(publicKey), created: new Date(now()).toISOString(), expires })
    return JSON.stringify({ type: 'serviceaccount', keyId, key: privateKey, expirationDate: expires, userId })
  }

  function answer({ method, url: path, headers, body }: HttpAsked): HttpReply {
    const { pathname } = new URL(path, 'http://zitadel')
    if (method !== 'POST') return json(404, { code: 'not_found', message: 'Not Found' })
    if (pathname === '/oauth/v2/token') return answerToken(new URLSearchParams(body.toString('utf8')), headers.authorization)
    const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1]
    if (bearer === undefined || bearer === '') return json(401, { code: 'unauthenticated', message: 'auth header missing' })
    if (bearer !== token) return bearer.startsWith('weak') ? json(403, { code: 'permission_denied', message: 'No matching permissions found (AUTH-5mWD2)' }) : json(401, { code: 'unauthenticated', message: 'Errors.Token.Invalid (AUTH-7fs1e)' })
    const asked = JSON.parse(body.toString('utf8')) as Record<string, unknown>
    const [, service, name] = pathname.split('/')
    if (service === 'zitadel.user.v2.UserService') return answerUser(name, asked)
    return service === 'zitadel.application.v2.ApplicationService' ? answerApplication(name, asked) : json(404, { code: 'unimplemented', message: 'unknown service' })
  }

  function answerUser(name: string | undefined, { userId, keyId, filters, pagination, expirationDate }: Record<string, unknown>): HttpReply {
    if (name === 'AddKey') {
      const text = makeKey(String(userId), typeof expirationDate === 'string' ? expirationDate : undefined)
      return json(200, { keyId: (JSON.parse(text) as { keyId: string }).keyId, keyContent: Buffer.from(text).toString('base64'), creationDate: new Date(now()).toISOString() })
    }
    if (name === 'RemoveKey') {
      if (keys.get(String(keyId))?.userId !== userId) return json(404, { code: 'not_found', message: 'Errors.User.Machine.Key.NotFound (COMMAND-4m77G)' })
      keys.delete(String(keyId))
      return json(200, { deletionDate: new Date(now()).toISOString() })
    }
    const wanted = (filters as readonly { userIdFilter?: { id?: string } }[] | undefined)?.[0]?.userIdFilter?.id
    const all = [...keys].filter(([, key]) => wanted === undefined || key.userId === wanted)
    const { limit = 100 } = (pagination ?? {}) as { limit?: number }
    // Numbers of 64 bits are texts in the JSON of protobuf.
    return json(200, { pagination: { totalResult: String(all.length), appliedLimit: String(limit) }, result: all.slice(0, limit).map(([id, key]) => ({ id, userId: key.userId, creationDate: key.created, changeDate: key.created, organizationId: '1', expirationDate: key.expires })) })
  }

  function answerApplication(name: string | undefined, { applicationId, projectId }: Record<string, unknown>): HttpReply {
    const found = applications.get(String(applicationId))
    if (found === undefined || (name === 'GenerateClientSecret' && found.project !== projectId)) return json(404, { code: 'not_found', message: 'Errors.Project.App.NotExisting (COMMAND-2g66f)' })
    if (name === 'GenerateClientSecret') {
      if (found.method === 'NONE' || found.method === 'PRIVATE_KEY_JWT') return json(400, { code: 'failed_precondition', message: 'Errors.Project.App.AuthMethodNoSecret (COMMAND-GDrg2)' })
      found.secret = generate(ALNUM, 64)
      return json(200, { clientSecret: found.secret, creationDate: new Date(now()).toISOString() })
    }
    return json(200, { application: { applicationId, name: 'web', state: found.active ? 'APPLICATION_STATE_ACTIVE' : 'APPLICATION_STATE_INACTIVE', oidcConfiguration: { clientId: found.client, authMethodType: `OIDC_AUTH_METHOD_TYPE_${found.method}` } } })
  }

  function answerToken(form: URLSearchParams, authorization: string | undefined): HttpReply {
    const grant = form.get('grant_type')
    if (grant === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      if (isSigned(form.get('assertion') ?? '')) return json(200, { access_token: randomBytes(32).toString('base64url'), token_type: 'Bearer', expires_in: 43_199 })
      return version === 'old' ? oauth(500, 'server_error', 'Errors.Internal') : oauth(400, 'invalid_grant', 'invalid assertion')
    }
    const [client, secret] = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8').split(':').map(decodeURIComponent)
    const found = [...applications.values()].find((one) => one.client === client)
    if (found?.active !== true) return oauth(400, 'invalid_client', 'no active client not found')
    if (found.method === 'PRIVATE_KEY_JWT') return oauth(400, 'invalid_client', 'empty client assertion')
    if (found.method !== 'NONE' && found.secret !== secret) return oauth(400, 'invalid_client', 'invalid secret')
    if (grant !== 'authorization_code') return oauth(400, 'unauthorized_client', `grant_type "${grant}" not allowed`)
    if ((form.get('code') ?? '') === '') return oauth(400, 'invalid_request', 'code missing')
    if ((form.get('redirect_uri') ?? '') === '') return oauth(400, 'invalid_request', 'redirect_uri missing')
    return version === 'fixed' ? oauth(400, 'invalid_grant', 'invalid code') : oauth(400, 'invalid_request', 'Errors.User.Code.Invalid')
  }

  /** As Zitadel verifies it: audience, times, the key of the named user. */
  function isSigned(assertion: string): boolean {
    const [head = '', payload = '', signature = ''] = assertion.split('.')
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { kid: string }
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iss: string; sub: string; aud: string; exp: number; iat: number }
    const key = keys.get(kid)
    const seconds = now() / 1_000
    if (key === undefined || key.userId !== claims.iss || claims.iss !== claims.sub || claims.aud !== url || claims.exp < seconds || claims.iat > seconds + 1 || Date.parse(key.expires) < now()) return false
    return createVerify('RSA-SHA256').update(`${head}.${payload}`).verify(key.publicKey, Buffer.from(signature, 'base64url'))
  }

  const server = await startFaultyHttp({ answer, isEffect: ({ url: path }) => /\/(AddKey|RemoveKey|GenerateClientSecret)$/.test(path), serverError: json(503, { code: 'unavailable', message: 'no' }) })
  url = server.url
  return {
    ...server, token, keys, applications, makeKey,
    makeApplication: (id) => {
      const made: FakeApplication = { project: '101', client: `${id}@atlas`, secret: generate(ALNUM, 64), active: true, method: 'BASIC' }
      applications.set(id, made)
      return made
    },
    behaveAs: (which) => { version = which },
  }
}

function json(status: number, body: object): HttpReply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function oauth(status: number, error: string, error_description: string): HttpReply {
  return json(status, { error, error_description })
}
