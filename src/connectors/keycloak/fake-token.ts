import { randomUUID } from 'node:crypto'
import { type FakeClient, type FakeRealm, isOn, signer } from './fake-realm.ts'

const INVALID_CLIENT = 'Invalid client or Invalid client credentials'

/** What is answered. */
export interface Replied {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** An answer as Keycloak writes it. */
export function json(status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): Replied {
  return { status, headers: { 'content-type': 'application/json', ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
}

function failed(status: number, error: string, error_description: string): Replied {
  return json(status, { error, error_description })
}

/** The token endpoint. Statuses and words are those of Keycloak 26.4.0. */
export function answerToken(realm: FakeRealm, form: URLSearchParams, now: number): Replied {
  const client = realm.clients.find(({ clientId }) => clientId === form.get('client_id'))
  if (client?.enabled !== true) return failed(401, 'invalid_client', INVALID_CLIENT)
  if (!client.publicClient && !provesItself(client, form.get('client_secret') ?? '', now)) return failed(401, 'unauthorized_client', INVALID_CLIENT)
  const grant = form.get('grant_type')
  if (grant === 'client_credentials') {
    if (!client.serviceAccountsEnabled) return failed(401, 'unauthorized_client', 'Client not enabled to retrieve service account')
    return json(200, { access_token: issue(realm, { client: client.clientId }), expires_in: 300, token_type: 'Bearer' })
  }
  if (grant === 'authorization_code') return failed(400, 'invalid_grant', 'Code not valid')
  if (grant === 'refresh_token') {
    const session = realm.tokens.get(form.get('refresh_token') ?? '')?.session
    if (session === undefined) return failed(400, 'invalid_grant', 'Invalid refresh token')
    return realm.sessions.has(session) ? begin(realm, realm.sessions.get(session)?.user ?? '', client) : failed(400, 'invalid_grant', 'Session not active')
  }
  return grant === 'password' ? logIn(realm, form, client) : failed(400, 'unsupported_grant_type', 'Unsupported grant_type')
}

function provesItself({ secret, attributes }: FakeClient, shown: string, now: number): boolean {
  if (shown === '') return false
  const until = Number(attributes['client.secret.rotated.expiration.time'] ?? 0) * 1_000
  return shown === secret || (shown === attributes['client.secret.rotated'] && now < until)
}

function logIn(realm: FakeRealm, form: URLSearchParams, client: FakeClient): Replied {
  const user = realm.users.find(({ username }) => username === form.get('username')?.toLowerCase())
  if (user === undefined || user.locked) return failed(401, 'invalid_grant', 'Invalid user credentials')
  if (!user.enabled) return failed(400, 'invalid_grant', 'Account disabled')
  if (user.password !== form.get('password')) {
    if (realm.settings['bruteForceProtected'] === true) {
      user.failures += 1
      // Keycloak locks at the second wrong login within a second, and tests are quick.
      user.locked = user.failures >= 2
    }
    return failed(401, 'invalid_grant', 'Invalid user credentials')
  }
  if (user.requiredActions.length > 0) return failed(400, 'invalid_grant', 'Account is not fully set up')
  user.failures = 0
  return begin(realm, user.username, client)
}

function begin(realm: FakeRealm, user: string, { clientId }: FakeClient): Replied {
  const session = randomUUID()
  realm.sessions.set(session, { user, client: clientId })
  return json(200, { access_token: issue(realm, { user, session }), refresh_token: issue(realm, { user, session }), session_state: session, expires_in: 300, token_type: 'Bearer' })
}

function issue(realm: FakeRealm, what: { readonly user?: string; readonly client?: string; readonly session?: string }): string {
  const kid = signer(realm)?.kid ?? ''
  const text = `${Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid })).toString('base64url')}.${randomUUID()}.x`
  realm.tokens.set(text, { kid, ...what })
  return text
}

/** The other addresses of a realm for everybody. */
export function answerRealm(realm: FakeRealm, what: string, form: URLSearchParams, now: number): Replied {
  if (what === 'certs') return json(200, { keys: realm.keys.filter(isOn).map(({ kid }) => ({ kid, use: 'sig' })) })
  if (what === 'logout') {
    const session = realm.tokens.get(form.get('refresh_token') ?? '')?.session
    if (session === undefined) return failed(400, 'invalid_grant', 'Invalid refresh token')
    realm.sessions.delete(session)
    return { status: 204 }
  }
  if (what !== 'introspect') return json(404, { error: 'HTTP 404 Not Found' })
  const client = realm.clients.find(({ clientId }) => clientId === form.get('client_id'))
  if (client === undefined || !provesItself(client, form.get('client_secret') ?? '', now)) return failed(401, 'invalid_request', 'Authentication failed.')
  return json(200, { active: isLive(realm, form.get('token') ?? '') })
}

/** Whether the key that signed it is on, and its session open. */
export function isLive(realm: FakeRealm, text: string): boolean {
  const token = realm.tokens.get(text)
  if (token === undefined || !realm.keys.some((key) => isOn(key) && key.kid === token.kid)) return false
  return token.session === undefined || realm.sessions.has(token.session)
}
