import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Code } from '../../kit/code.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import { type HttpResponse, placeOf } from '../../outside/http/index.ts'
import { seal, unseal } from './envelope.ts'
import type { IssuerConfig } from './manifest.ts'
import { type AccessKey, errorCodeOf, signed } from './signed.ts'

/** One access key of the user, as the server lists it. */
export interface Listed {
  readonly accessKey: string
  readonly on: boolean
  readonly name: string
}

export interface Listing {
  readonly keys: readonly Listed[]
  /** The server's clock, unix ms. */
  readonly clock?: number
}

/** The admin API of MinIO, as far as access keys go. Every method is one request and may be repeated. */
export interface Admin {
  /** All access keys of the user, whatever their name. Refused with PRINCIPAL_MISSING when there is no such user. */
  list(call: Call): Promise<Answer<Listing>>
  /** Makes one with this id and value. `CONFLICT` when the id is there already. */
  add(accessKey: string, secretKey: Secret, name: string, call: Call): Promise<Answer<void>>
  /** Gives it this value and turns it on, or only turns it on or off. */
  update(accessKey: string, change: { readonly on: boolean; readonly secretKey?: Secret }, call: Call): Promise<Answer<void>>
  /** Takes it away; one that is absent is taken away. */
  remove(accessKey: string, call: Call): Promise<Answer<void>>
}

/** What the server's own codes mean; each is answered before anything is done. */
const REFUSALS: ReadonlyMap<string, Code> = new Map<string, Code>([
  ['InvalidAccessKeyId', 'ADMIN_REJECTED'],
  ['SignatureDoesNotMatch', 'ADMIN_REJECTED'],
  ['XMinioAdminNoSuchUser', 'PRINCIPAL_MISSING'],
  ['XMinioAdminNoSuchAccessKey', 'PRINCIPAL_MISSING'],
  // For an id that is there already, whoever's it is (400, seen on MinIO of 2026-02-12).
  ['XMinioIAMServiceAccountNotAllowed', 'CONFLICT'],
  ['RequestTimeTooSkewed', 'CLOCK_WRONG'],
  ['SlowDown', 'RATE_LIMITED'],
  ['TooManyRequests', 'RATE_LIMITED'],
])

/** Of a service account that is not there; the same word is used with another status for other things. */
const ABSENT = 'XMinioInvalidIAMCredentials'

export function adminOf(config: IssuerConfig, host: Pick<Host, 'resolve'>): Admin {
  const about = placeOf(config.endpoint)

  const ask = async (
    asked: { readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'; readonly path: string; readonly right: string; readonly body?: object },
    call: Call,
  ): Promise<Answer<HttpResponse & { readonly key: AccessKey }>> => {
    if (call.signal.aborted) return refused('DEADLINE', about)
    let key: AccessKey
    try {
      key = { accessKeyId: (await host.resolve(config.adminKey, call)).reveal(), secretAccessKey: await host.resolve(config.adminSecret, call) }
    } catch (thrown) {
      if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
      throw thrown
    }
    const body = asked.body === undefined ? undefined : await seal(key.secretAccessKey, JSON.stringify(asked.body))
    const url = new URL(`/minio/admin/v3/${asked.path}`, config.endpoint).href
    const answer = await signed({ method: asked.method, url, bytes: true, ...(body === undefined ? {} : { body }) }, key, config.region, call)
    if (answer.is !== 'done') return answer
    const { status } = answer.value
    if (status >= 200 && status < 300) return done({ ...answer.value, key })
    const code = errorCodeOf(answer.value)
    const evidence = { status, ...(code === undefined ? {} : { code }) }
    const meant = code === undefined ? undefined : REFUSALS.get(code)
    if (meant !== undefined) return refused(meant, `${about}, ${asked.right}`, evidence)
    if (status === 404 && code === ABSENT) return refused('PRINCIPAL_MISSING', `an access key at ${about}`, evidence)
    if (status >= 500 || status === 408) return unknown('SERVER_ERROR', about, evidence)
    return refused(status === 403 ? 'RIGHTS_MISSING' : status === 429 ? 'RATE_LIMITED' : 'REQUEST_REFUSED', `${asked.right} at ${about}`, evidence)
  }

  const nothing = (answer: Answer<unknown>): Answer<void> => (answer.is === 'done' ? done(undefined) : answer)
  const query = (accessKey: string): string => `accessKey=${encodeURIComponent(accessKey)}`

  return {
    async list(call) {
      const answer = await ask({ method: 'GET', path: `list-service-accounts?user=${encodeURIComponent(config.user)}`, right: 'admin:ListServiceAccounts' }, call)
      if (answer.is !== 'done') return answer
      const { key, text, date, complete } = answer.value
      const keys = complete ? listedIn(await unseal(key.secretAccessKey, Buffer.from(text, 'latin1'))) : undefined
      if (keys === undefined) return unknown('RESPONSE_UNFIT', `${about} answers no list of access keys`)
      return done({ keys, ...(date === undefined ? {} : { clock: date }) })
    },
    add: async (accessKey, secretKey, name, call) => nothing(await ask({
      method: 'PUT', path: 'add-service-account', right: 'admin:CreateServiceAccount',
      body: { targetUser: config.user, accessKey, secretKey: secretKey.reveal(), name, description: 'made by keyturn' },
    }, call)),
    update: async (accessKey, { on, secretKey }, call) => nothing(await ask({
      method: 'POST', path: `update-service-account?${query(accessKey)}`, right: 'admin:UpdateServiceAccount',
      body: { newStatus: on ? 'on' : 'off', ...(secretKey === undefined ? {} : { newSecretKey: secretKey.reveal() }) },
    }, call)),
    async remove(accessKey, call) {
      const answer = await ask({ method: 'DELETE', path: `delete-service-account?${query(accessKey)}`, right: 'admin:RemoveServiceAccount' }, call)
      return answer.is === 'refused' && answer.code === 'PRINCIPAL_MISSING' ? done(undefined) : nothing(answer)
    },
  }
}

/** Undefined when anything in it cannot be read: a key that is overlooked would be taken for one that does not exist. */
function listedIn(text: string | undefined): readonly Listed[] | undefined {
  let document: unknown
  try {
    document = JSON.parse(text ?? '')
  } catch {
    return undefined
  }
  if (typeof document !== 'object' || document === null || !('accounts' in document)) return undefined
  const { accounts } = document
  // A user without any: Go writes an empty list as null.
  if (accounts === null) return []
  if (!Array.isArray(accounts)) return undefined
  const keys: Listed[] = []
  for (const account of accounts as readonly unknown[]) {
    if (typeof account !== 'object' || account === null) return undefined
    const { accessKey, accountStatus, name } = account as { readonly accessKey?: unknown; readonly accountStatus?: unknown; readonly name?: unknown }
    if (typeof accessKey !== 'string' || (accountStatus !== 'on' && accountStatus !== 'off')) return undefined
    keys.push({ accessKey, on: accountStatus === 'on', name: typeof name === 'string' ? name : '' })
  }
  return keys
}
