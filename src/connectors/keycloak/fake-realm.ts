import { createHash, randomUUID } from 'node:crypto'
import { ALNUM, generate } from '../../kit/generate.ts'

/** A client of the pretended Keycloak. */
export interface FakeClient {
  readonly id: string
  readonly clientId: string
  enabled: boolean
  publicClient: boolean
  clientAuthenticatorType: string
  serviceAccountsEnabled: boolean
  authorizationServicesEnabled: boolean
  secret: string
  /** Whatever else it was made with, as it is shown. */
  readonly rest: Record<string, unknown>
  readonly attributes: Record<string, string>
  /** Of its service account. */
  readonly roles: Set<string>
}

/** A user. */
export interface FakeUser {
  readonly id: string
  readonly username: string
  email?: string
  enabled: boolean
  requiredActions: readonly string[]
  password: string
  readonly before: string[]
  failures: number
  locked: boolean
}

/** A key provider, and the key that it made. */
export interface FakeKey {
  readonly id: string
  readonly kid: string
  name: string
  config: Record<string, readonly string[]>
}

/** What a token stands for. */
export interface FakeToken {
  readonly kid: string
  readonly user?: string
  readonly client?: string
  /** Undefined when it belongs to no session. */
  readonly session?: string
}

/** A realm of the pretended Keycloak. */
export interface FakeRealm {
  readonly name: string
  readonly settings: Record<string, unknown>
  readonly clients: FakeClient[]
  readonly users: FakeUser[]
  readonly keys: FakeKey[]
  /** Access tokens and refresh tokens by their text. */
  readonly tokens: Map<string, FakeToken>
  /** Open ones, by id. */
  readonly sessions: Map<string, { readonly user: string; readonly client: string }>
  /** Whether a client policy rotates the secrets of its clients. */
  rotates: boolean
}

/** One as Keycloak makes it: with its own clients and a key. */
export function newRealm(name: string, settings: Record<string, unknown> = {}): FakeRealm {
  const realm: FakeRealm = { name, settings, clients: [], users: [], keys: [], tokens: new Map(), sessions: new Map(), rotates: false }
  addClient(realm, { clientId: 'admin-cli', publicClient: true })
  addClient(realm, { clientId: 'realm-management', publicClient: false })
  addKey(realm, { name: 'rsa-generated', config: { priority: ['100'] } })
  return realm
}

/** A client from its representation. */
export function addClient(realm: FakeRealm, { clientId, secret, enabled, publicClient, clientAuthenticatorType, serviceAccountsEnabled, authorizationServicesEnabled, attributes, ...rest }: Record<string, unknown>): FakeClient {
  const client: FakeClient = {
    id: randomUUID(), clientId: String(clientId), enabled: enabled !== false, publicClient: publicClient === true,
    clientAuthenticatorType: typeof clientAuthenticatorType === 'string' ? clientAuthenticatorType : 'client-secret',
    serviceAccountsEnabled: serviceAccountsEnabled === true, authorizationServicesEnabled: authorizationServicesEnabled === true,
    secret: typeof secret === 'string' ? secret : generate(ALNUM, 32), rest, attributes: { realm_client: 'false', ...(attributes as Record<string, string> | undefined) }, roles: new Set(),
  }
  realm.clients.push(client)
  return client
}

/** A key provider from its representation; the key is as random as a real one. */
export function addKey(realm: FakeRealm, { name, config }: { readonly name: string; readonly config: Record<string, readonly string[]> }): FakeKey {
  const key = { id: randomUUID(), kid: createHash('sha256').update(randomUUID()).digest('base64url'), name, config }
  realm.keys.push(key)
  return key
}

export function isOn({ config }: FakeKey): boolean {
  return config['enabled']?.[0] !== 'false'
}

export function priorityOf({ config }: FakeKey): number {
  return Number(config['priority']?.[0] ?? 0)
}

export function algorithmOf({ config }: FakeKey): string {
  return config['algorithm']?.[0] ?? 'RS256'
}

/** The key that signs. */
export function signer(realm: FakeRealm): FakeKey | undefined {
  return realm.keys.filter((key) => isOn(key) && algorithmOf(key) === 'RS256').toSorted((one, other) => priorityOf(other) - priorityOf(one))[0]
}
