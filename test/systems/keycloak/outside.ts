import { ALNUM, generate } from '../../../src/kit/generate.ts'

/** Where a Keycloak is, real or pretended, and its admin. */
export interface Place {
  readonly url: string
  readonly admin: { readonly user: string; readonly password: string }
}

/** One whose Admin REST API is asked beside the connector. */
export interface Reached extends Place {
  /** Asks as the admin. Throws for statuses from 400 on. */
  ask(method: string, path: string, body?: object): Promise<Said>
}

/** Logs its admin in when something is asked. */
export function reach<P extends Place>(place: P): P & Reached {
  return { ...place, ask: asker(place) }
}

/** What an answer holds. */
export interface Said {
  readonly status: number
  readonly body: unknown
  readonly location: string
}

/** Of a token: a minute of it lives longer than this. */
const TOKEN_MS = 30_000

function asker({ url, admin }: Place): (method: string, path: string, body?: object) => Promise<Said> {
  let token: Promise<string> | undefined
  let until = 0
  return async (method, path, body) => {
    if (Date.now() > until) {
      token = logIn(url, 'master', { grant_type: 'password', client_id: 'admin-cli', username: admin.user, password: admin.password }).then(({ access }) => access)
      until = Date.now() + TOKEN_MS
    }
    const answer = await fetch(`${url}/admin/realms${path}`, {
      method, headers: { authorization: `Bearer ${await token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status}`)
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), location: answer.headers.get('location')?.split('/').at(-1) ?? '' }
  }
}

/** One request with a form to the OpenID Connect addresses of a realm. */
export async function post(url: string, realm: string, what: string, form: Readonly<Record<string, string>>): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const answer = await fetch(`${url}/realms/${realm}/protocol/openid-connect/${what}`, { method: 'POST', body: new URLSearchParams(form) })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
}

/** A login; throws with Keycloak's own code when it is refused. */
export async function logIn(url: string, realm: string, form: Readonly<Record<string, string>>): Promise<{ readonly access: string; readonly refresh: string }> {
  const { status, body } = await post(url, realm, 'token', form)
  if (status !== 200) throw new Error(`${status} ${String(body['error'])}`)
  return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
}

/** A name that no other test has. */
export function fresh(name: string): string {
  return `${name}-${generate('abcdefghijklmnopqrstuvwxyz0123456789', 10)}`
}

/** A value at random. */
export function value(): string {
  return generate(ALNUM, 32)
}

/** A realm with a service account that may do just what these roles allow. */
export interface Realm {
  readonly name: string
  readonly rotator: { readonly client: string; readonly secret: string }
}

/** Makes a realm whose service account `rotator` has these roles of realm-management and no others. */
export async function makeRealm(reached: Reached, roles: readonly string[], settings: object = {}): Promise<Realm> {
  const name = fresh('atlas')
  await reached.ask('POST', '', { realm: name, enabled: true, ...settings })
  return { name, rotator: await makeRotator(reached, name, roles) }
}

/** Another such service account in a realm. */
export async function makeRotator({ ask }: Reached, realm: string, roles: readonly string[]): Promise<Realm['rotator']> {
  const rotator = { client: fresh('rotator'), secret: value() }
  const { location } = await ask('POST', `/${realm}/clients`, { clientId: rotator.client, secret: rotator.secret, serviceAccountsEnabled: true, standardFlowEnabled: false })
  const account = (await ask('GET', `/${realm}/clients/${location}/service-account-user`)).body as { readonly id: string }
  const [management] = (await ask('GET', `/${realm}/clients?clientId=realm-management`)).body as readonly { readonly id: string }[]
  const all = (await ask('GET', `/${realm}/clients/${management?.id}/roles`)).body as readonly { readonly name: string }[]
  await ask('POST', `/${realm}/users/${account.id}/role-mappings/clients/${management?.id}`, all.filter((role) => roles.includes(role.name)))
  return rotator
}

/** A client policy that rotates the secrets of all confidential clients of a realm. */
export async function rotateSecrets({ ask }: Reached, realm: string): Promise<void> {
  const configuration = { 'expiration-period': 2_592_000, 'rotated-expiration-period': 86_400, 'remaining-rotation-period': 3_600 }
  await ask('PUT', `/${realm}/client-policies/profiles`, { profiles: [{ name: 'rotating', executors: [{ executor: 'secret-rotation', configuration }] }] })
  const conditions = [{ condition: 'client-access-type', configuration: { type: ['confidential'] } }]
  await ask('PUT', `/${realm}/client-policies/policies`, { policies: [{ name: 'rotating', enabled: true, conditions, profiles: ['rotating'] }] })
}

/** A client with a service account, and things beside its secret that have to stay. */
export async function makeClient({ ask }: Reached, realm: string): Promise<{ readonly id: string; readonly secret: string; readonly uuid: string }> {
  const client = { id: fresh('bff'), secret: value() }
  const { location: uuid } = await ask('POST', `/${realm}/clients`, {
    clientId: client.id, secret: client.secret, serviceAccountsEnabled: true, authorizationServicesEnabled: true,
    baseUrl: 'https://atlas.example', redirectUris: ['https://atlas.example/*'], attributes: { team: 'gateway' },
  })
  return { ...client, uuid }
}

/** A user who can log in. */
export async function makeUser({ ask }: Reached, realm: string, name: string, password: string): Promise<string> {
  const who = { username: name, enabled: true, email: `${name}@example.com`, emailVerified: true, firstName: 'A', lastName: 'B' }
  return (await ask('POST', `/${realm}/users`, { ...who, credentials: [{ type: 'password', value: password, temporary: false }] })).location
}
