import { randomUUID } from 'node:crypto'
import { addClient, addKey, algorithmOf, type FakeClient, type FakeRealm, type FakeUser, isOn, priorityOf } from './fake-realm.ts'
import { json, type Replied } from './fake-token.ts'

/** A request to the Admin REST API below its realm. */
export interface AskedAdmin {
  readonly method: string
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly body: Record<string, unknown>
  readonly now: number
  /** Where it came in, for `Location`. */
  readonly at: string
  /** Whether who asks has one of these roles. */
  may(...roles: readonly string[]): boolean
}

const FORBIDDEN = json(403, { error: 'HTTP 403 Forbidden' })
const NOT_THERE = json(404, { error: 'HTTP 404 Not Found' })
const ROTATED = 'client.secret.rotated'

/** Answers as the Admin REST API of Keycloak 26.4.0 does, as far as the connector and its tests ask. */
export function answerAdmin(realm: FakeRealm, asked: AskedAdmin): Replied {
  const [kind = '', ...path] = asked.path
  const looks = asked.method === 'GET'
  if (kind === 'clients') return asked.may(...(looks ? ['view-clients', 'manage-clients'] : ['manage-clients'])) ? clients(realm, { ...asked, path }) : FORBIDDEN
  if (kind === 'users' || kind === 'attack-detection') {
    if (!asked.may(...(looks ? ['view-users', 'manage-users'] : ['manage-users']))) return FORBIDDEN
    return kind === 'users' ? users(realm, { ...asked, path }) : failures(realm, asked.method, path)
  }
  if (!asked.may(...(looks ? ['view-realm', 'manage-realm'] : ['manage-realm']))) return FORBIDDEN
  if (kind === 'client-policies') {
    if (path[0] === 'policies') realm.rotates = (asked.body['policies'] as readonly unknown[]).length > 0
    return { status: 204 }
  }
  if (kind === 'keys') return json(200, { keys: realm.keys.map((key) => ({ providerId: key.id, providerPriority: priorityOf(key), kid: key.kid, status: isOn(key) ? 'ACTIVE' : 'DISABLED', algorithm: algorithmOf(key), use: 'SIG' })) })
  if (kind === 'components') return components(realm, { ...asked, path })
  if (kind !== '') return NOT_THERE
  if (asked.method === 'PUT') Object.assign(realm.settings, asked.body)
  return looks ? json(200, { realm: realm.name, accessTokenLifespan: 300, ...realm.settings }) : { status: 204 }
}

function clients(realm: FakeRealm, { method, path, query, body, now, at, may }: AskedAdmin): Replied {
  const [id, part, last] = path
  if (id === undefined) {
    if (method === 'POST') return json(201, undefined, { location: `${at}/${addClient(realm, body).id}` })
    return json(200, realm.clients.filter(({ clientId }) => clientId === query.get('clientId')).map((client) => shown(client, may('manage-clients'))))
  }
  const client = realm.clients.find((one) => one.id === id)
  if (client === undefined) return json(404, { error: 'Could not find client' })
  if (part === 'service-account-user') return json(200, { id: `service-account-${client.id}`, username: `service-account-${client.clientId}` })
  if (part === 'roles') return json(200, ['view-clients', 'manage-clients', 'view-users', 'manage-users', 'view-realm', 'manage-realm'].map((name) => ({ id: name, name })))
  if (part === 'client-secret' && last === 'rotated') {
    if (method === 'DELETE') forgetRotated(client)
    const value = client.attributes[ROTATED]
    if (method === 'DELETE') return { status: 204 }
    return value === undefined ? json(404, { error: 'Client does not have a rotated secret' }) : json(200, { type: 'secret', value })
  }
  if (method === 'GET') return json(200, shown(client, may('manage-clients')))
  update(realm, client, body, now)
  return { status: 204 }
}

function shown({ rest, ...client }: FakeClient, configure: boolean): object {
  return { ...rest, ...client, roles: undefined, attributes: { ...client.attributes }, access: { view: true, configure, manage: configure } }
}

/** What is not named stays, but for authorization services; attributes are merged. */
function update(realm: FakeRealm, client: FakeClient, { secret, enabled, authorizationServicesEnabled, attributes, publicClient }: Record<string, unknown>, now: number): void {
  if (typeof secret === 'string') client.secret = secret
  if (typeof enabled === 'boolean') client.enabled = enabled
  if (typeof publicClient === 'boolean') client.publicClient = publicClient
  client.authorizationServicesEnabled = authorizationServicesEnabled === true
  Object.assign(client.attributes, attributes)
  if (!realm.rotates) {
    forgetRotated(client)
    delete client.attributes['client.secret.expiration.time']
    return
  }
  const expires = Number(client.attributes['client.secret.expiration.time'] ?? 0) * 1_000
  if (expires > 0 && expires <= now) {
    // The executor draws a secret of its own, whatever the update said.
    const seconds = Math.floor(now / 1_000)
    Object.assign(client.attributes, { [ROTATED]: client.secret, [`${ROTATED}.expiration.time`]: String(seconds + 86_400) })
    client.secret = randomUUID()
  }
  if (expires <= now) client.attributes['client.secret.expiration.time'] = String(Math.floor(now / 1_000) + 30 * 86_400)
}

function forgetRotated({ attributes }: FakeClient): void {
  for (const name of [ROTATED, `${ROTATED}.creation.time`, `${ROTATED}.expiration.time`]) delete attributes[name]
}

function users(realm: FakeRealm, { method, path, query, body, at, may }: AskedAdmin): Replied {
  const [id, part] = path
  if (id === undefined) {
    if (method === 'POST') return json(201, undefined, { location: `${at}/${addUser(realm, body).id}` })
    return json(200, realm.users.filter(({ username }) => username === query.get('username')).map((user) => ({ ...user, password: undefined, before: undefined, access: { manage: may('manage-users') } })))
  }
  if (part === 'role-mappings') {
    const client = realm.clients.find((one) => id === `service-account-${one.id}`)
    for (const { name } of Object.values(body) as { readonly name: string }[]) client?.roles.add(name)
    return { status: 204 }
  }
  const user = realm.users.find((one) => one.id === id)
  if (user === undefined) return json(404, { error: 'User not found' })
  const own = [...realm.sessions].filter(([, session]) => session.user === user.username)
  if (part === 'sessions') return json(200, own.map(([session, { client }]) => ({ id: session, username: user.username, ipAddress: '127.0.0.1', clients: { [client]: client } })))
  if (part === 'logout') for (const [session] of own) realm.sessions.delete(session)
  if (part === 'reset-password') return reset(realm, user, String(body['value']))
  if (part === undefined && method === 'PUT') Object.assign(user, body)
  return { status: 204 }
}

function addUser(realm: FakeRealm, { username, email, credentials }: Record<string, unknown>): FakeUser {
  const [first] = credentials as readonly { readonly value: string }[]
  const user = { id: randomUUID(), username: String(username), enabled: true, requiredActions: [], password: first?.value ?? '', before: [], failures: 0, locked: false, ...(typeof email === 'string' ? { email } : {}) }
  realm.users.push(user)
  return user
}

function reset({ settings }: FakeRealm, user: FakeUser, value: string): Replied {
  const policy = typeof settings['passwordPolicy'] === 'string' ? settings['passwordPolicy'] : ''
  if (policy.includes('specialChars(1)') && /^[A-Za-z\d]*$/.test(value)) return json(400, { error: 'invalidPasswordMinSpecialCharsMessage', error_description: 'Invalid password: must contain at least 1 special characters.' })
  if (policy.includes('passwordHistory') && [user.password, ...user.before].includes(value)) return json(400, { error: 'invalidPasswordHistoryMessage', error_description: 'Invalid password: must not be equal to any of last 3 passwords.' })
  user.before.push(user.password)
  user.password = value
  return { status: 204 }
}

function failures(realm: FakeRealm, method: string, path: readonly string[]): Replied {
  const user = realm.users.find(({ id }) => id === path[2])
  if (user === undefined) return json(404, { error: 'User not found' })
  if (method !== 'DELETE') return json(200, { numFailures: user.failures, disabled: user.locked })
  Object.assign(user, { failures: 0, locked: false })
  return { status: 204 }
}

function components(realm: FakeRealm, { method, path, body, at }: AskedAdmin): Replied {
  const [id] = path
  const shownOf = (key: FakeRealm['keys'][number]) => ({ id: key.id, name: key.name, providerId: 'rsa-generated', config: key.config })
  if (id === undefined) {
    if (method === 'GET') return json(200, realm.keys.map(shownOf))
    return json(201, undefined, { location: `${at}/${addKey(realm, body as { readonly name: string; readonly config: Record<string, readonly string[]> }).id}` })
  }
  const place = realm.keys.findIndex((key) => key.id === id)
  const key = realm.keys[place]
  if (key === undefined) return json(404, { error: 'Could not find component' })
  if (method === 'GET') return json(200, shownOf(key))
  if (method === 'DELETE') realm.keys.splice(place, 1)
  else key.config = body['config'] as Record<string, readonly string[]>
  return { status: 204 }
}
