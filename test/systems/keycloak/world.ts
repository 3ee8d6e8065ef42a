import { openIssuer } from '../../../src/connectors/keycloak/index.ts'
import { issuerSchema } from '../../../src/connectors/keycloak/manifest.ts'
import type { Credential, Issuer } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { forwardTo, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import type { IssuerWorld } from '../../../src/testing/issuer.ts'
import { fresh, logIn, makeClient, makeRealm, makeUser, post, type Reached, type Realm, rotateSecrets, value } from './outside.ts'

/** What the connector is configured with in a realm, logged in as its service account; `more` says what is rotated. */
export function issuerAt(url: string, { name, rotator }: Realm, more: object, now: () => number = () => Date.now()): Issuer {
  const config = issuerSchema.parse({ url, realm: name, admin: { realm: name, client: rotator.client, secret: '${env:ROTATOR_SECRET}' }, ...more })
  return openIssuer(config, { base: '/', now, resolve: async () => new Secret(rotator.secret), conceal: () => undefined })
}

export function credentialOf(issuer: Issuer, id: string, secret: string): Credential {
  const fields = { id: new Secret(id), secret: new Secret(secret) }
  return { id: issuer.idOf(fields) ?? '', fields }
}

/** What differs between the kinds. */
interface Made {
  readonly realm: Realm
  readonly config: object
  /** Id and secret of the current one, and of one that is another principal. */
  readonly current: readonly [string, string]
  readonly sibling: readonly [string, string]
  /** A use of a credential; whether it still works. */
  use(id: string, secret: string): Promise<() => Promise<boolean>>
  full?(): Promise<unknown>
}

type Make = (reached: Reached) => Promise<Made>

/** A world behind a front that can fail; an outage lasts until the connector is opened again. */
export async function worldOf(reached: Reached, make: Make): Promise<IssuerWorld> {
  const { realm, config, current, sibling, use, full } = await make(reached)
  const front = await startFaultyHttp({
    answer: forwardTo(reached.url),
    // What takes our own failed login back is no effect on what is rotated.
    isEffect: ({ method, url }) => method !== 'GET' && url.startsWith('/admin/') && !url.includes('/attack-detection/'),
  })
  let back: Promise<void> | undefined
  const open = (): Issuer => {
    back = front.restart()
    return issuerAt(front.url, realm, config)
  }
  const plain = issuerAt(front.url, realm, config)
  return {
    open,
    current: credentialOf(plain, ...current),
    siblings: [{ id: sibling[0], fields: { id: new Secret(sibling[0]), secret: new Secret(sibling[1]) } }],
    use: async ({ fields }) => ({ alive: await use(fields['id']?.reveal() ?? '', fields['secret']?.reveal() ?? ''), close: async () => undefined }),
    inject: async (fault) => {
      if (fault === 'full') await full?.()
      else await front.inject(fault)
    },
    close: async () => {
      await back
      await front.close()
    },
  }
}

/** Clients of one realm; with `rotates` a client policy keeps their old secrets. */
export function clientsOf(rotates: boolean): Make {
  let realm: Promise<Realm> | undefined
  return async (reached) => {
    realm ??= makeRealm(reached, ['manage-clients']).then(async (made) => {
      if (rotates) await rotateSecrets(reached, made.name)
      return made
    })
    const { name } = await realm
    const [ours, theirs] = [await makeClient(reached, name), await makeClient(reached, name)]
    return {
      realm: await realm,
      config: { client: { id: ours.id }, strategy: rotates ? 'overlap' : 'in-place' },
      current: [ours.id, ours.secret], sibling: [theirs.id, theirs.secret],
      use: async (id, secret) => async () => (await post(reached.url, name, 'token', { grant_type: 'client_credentials', client_id: id, client_secret: secret })).status === 200,
      full: () => {
        const seconds = Math.floor(Date.now() / 1_000) + 3_600
        return reached.ask('PUT', `/${name}/clients/${ours.uuid}`, { attributes: { 'client.secret.rotated': value(), 'client.secret.rotated.creation.time': String(seconds), 'client.secret.rotated.expiration.time': String(seconds) } })
      },
    }
  }
}

/** Users of one realm, whose brute force detection is on. */
export function users(): Make {
  let realm: Promise<Realm> | undefined
  return async (reached) => {
    // Weak hashes: what they cost is no matter of these tests.
    realm ??= makeRealm(reached, ['manage-users'], { bruteForceProtected: true, passwordPolicy: 'hashAlgorithm(pbkdf2-sha256) and hashIterations(1)' })
    const { name } = await realm
    const [ours, theirs] = [[fresh('ada'), value()], [fresh('eve'), value()]] as const
    for (const [id, password] of [ours, theirs]) await makeUser(reached, name, id, password)
    return {
      realm: await realm, config: { user: { name: ours[0] } }, current: ours, sibling: theirs,
      use: async (id, secret) => {
        const { refresh } = await logIn(reached.url, name, { grant_type: 'password', client_id: 'admin-cli', username: id, password: secret })
        return async () => (await post(reached.url, name, 'token', { grant_type: 'refresh_token', client_id: 'admin-cli', refresh_token: refresh })).status === 200
      },
    }
  }
}

const SLOTS = 4

/** Makes a key in a realm; answers its component. */
export async function makeKey({ ask }: Reached, realm: string, priority: number): Promise<string> {
  const config = { priority: [String(priority)], enabled: ['true'], active: ['true'], algorithm: ['RS256'], keySize: ['2048'] }
  return (await ask('POST', `/${realm}/components`, { name: fresh('key'), providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', config })).location
}

/** The keys of a realm that sign with RS256. */
export async function keysIn({ ask }: Reached, realm: string): Promise<readonly { readonly kid: string; readonly providerId: string; readonly status: string }[]> {
  const { keys } = (await ask('GET', `/${realm}/keys`)).body as { readonly keys: readonly { readonly kid: string; readonly providerId: string; readonly status: string; readonly algorithm: string }[] }
  return keys.filter(({ algorithm }) => algorithm === 'RS256')
}

/** The id of the key that signed a token. */
export function kidOf(token: string): string {
  return (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { readonly kid: string }).kid
}

/** The signing keys of a realm, and a token that each signed. One realm and key for worlds that follow each other, since making them takes a server seconds; or others for each. */
export function keysOfRealm(shared: boolean): Make {
  let one: Promise<Realm> | undefined
  return async (reached) => {
    const make = (): Promise<Realm> => makeRealm(reached, ['manage-realm'])
    if (shared) one ??= make()
    const realm = await (one ?? make())
    const { name, rotator } = realm
    if (shared) {
      const [kept, ...others] = await keysIn(reached, name)
      const component = (await reached.ask('GET', `/${name}/components/${kept?.providerId}`)).body as { readonly config: object }
      await reached.ask('PUT', `/${name}/components/${kept?.providerId}`, { ...component, name: fresh('key'), config: { ...component.config, enabled: ['true'] } })
      for (const { providerId } of others) await reached.ask('DELETE', `/${name}/components/${providerId}`)
    }
    const login = { client_id: rotator.client, client_secret: rotator.secret }
    const tokens = new Map<string, string>()
    const sign = async (): Promise<string> => {
      const { access } = await logIn(reached.url, name, { grant_type: 'client_credentials', ...login })
      tokens.set(kidOf(access), access)
      return kidOf(access)
    }
    const kid = await sign()
    const component = (await keysIn(reached, name)).find((key) => key.kid === kid)?.providerId ?? ''
    return {
      realm, config: { keys: { slots: SLOTS }, strategy: 'overlap' }, current: [component, kid],
      // A client is another principal: its login does not hang on the keys.
      sibling: [rotator.client, rotator.secret],
      use: async (id, secret) => {
        if (id === rotator.client) return async () => (await post(reached.url, name, 'token', { grant_type: 'client_credentials', ...login })).status === 200
        if (!tokens.has(secret)) await sign()
        return async () => (await post(reached.url, name, 'token/introspect', { ...login, token: tokens.get(secret) ?? '' })).body['active'] === true
      },
      full: async () => {
        for (let made = 1; made < SLOTS; made += 1) await makeKey(reached, name, 50)
      },
    }
  }
}
