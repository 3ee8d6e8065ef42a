import type { Access } from '../../../src/connectors/vault/access-schema.ts'
import { openIssuer, openReference, openStore } from '../../../src/connectors/vault/index.ts'
import { type IssuerConfig, issuerSchema } from '../../../src/connectors/vault/issuer-schema.ts'
import { storeSchema } from '../../../src/connectors/vault/store-schema.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { inWorldOf } from '../../../src/testing/in-world.ts'
import type { Runner } from '../../../src/testing/runner.ts'
import { type Answered, type Ask, asker, at, listOf, textOf } from './ask.ts'
import { rotateSealedAmid } from './sealed-amid.ts'
import { fresh, hostOf, type Vault } from './worlds.ts'

const call = () => callWithin(20_000)

interface Shelf {
  readonly ask: Ask
  /** `kv/atlas`, with a password and a sibling in it. */
  readonly path: string
  readonly mount: string
}

async function shelf(vault: Vault): Promise<Shelf> {
  const ask = asker(vault.url, vault.root)
  const mount = fresh('kv')
  await ask('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
  for (let left = 200; left > 0; left -= 1) {
    const put = await ask('POST', `${mount}/data/atlas`, '{"data":{"PASSWORD":"before","limit":12345678901234567890}}').then(() => true, () => false)
    if (put) break
  }
  return { ask, mount, path: `${mount}/atlas` }
}

/** A number that floating point has no words for, as Vault shows it. */
function limitIn({ text }: Answered): string {
  return /"limit":[^,}]+/.exec(text)?.[0] ?? 'gone'
}

const storeAt = (vault: Vault, path: string, way: Partial<Access> = {}, more: object = {}) =>
  openStore(storeSchema.parse({ address: vault.front.url, token: way.login === undefined ? '${env:T}' : undefined, path, ...way, ...more }), hostOf({ '${env:T}': vault.root }))

/** An issuer of a role of its own, and the settings that its role has. */
async function issuerOf(vault: Vault, settings: object, more: Partial<IssuerConfig> = {}, token = vault.root) {
  const ask = asker(vault.url, vault.root)
  const role = fresh('atlas')
  await ask('POST', `auth/approle/role/${role}`, settings)
  const made = await ask('POST', `auth/approle/role/${role}/secret-id`, {})
  const [id, secret] = [textOf(made, 'data', 'secret_id_accessor'), textOf(made, 'data', 'secret_id')]
  const current = { id, fields: { secret: new Secret(secret), accessor: new Secret(id) } }
  const issuer = openIssuer(issuerSchema.parse({ address: vault.front.url, token: '${env:T}', approle: { role }, ...more }), hostOf({ '${env:T}': token }))
  return { ask, role, current, issuer }
}

/** What is special about Vault, on the pretended and on the real one alike. */
export function specialSuite({ describe, it, expect }: Runner, name: string, reach: () => Promise<Vault>): void {
  const law = inWorldOf(it, reach)

  describe(`${name}, sealed`, () => {
    law('everything is refused as passing, says that Vault is sealed, and goes on after unseal (S2-55, R-19)', async (vault) => {
      const { path } = await shelf(vault)
      const [store, { issuer, current }] = [storeAt(vault, path), await issuerOf(vault, {})]
      const reference = openReference({ env: { VAULT_ADDR: vault.front.url, VAULT_TOKEN: vault.root }, notice: () => undefined })
      const { revision } = must(await store.read(['PASSWORD'], call()))
      const attempts = [
        () => store.preflight(call()), () => store.read(['PASSWORD'], call()), () => store.write({ PASSWORD: new Secret('after') }, revision, call()),
        () => reference.resolve(`${path}#PASSWORD`, call()),
        () => issuer.preflight(current, 'pending', call()), () => issuer.observe(call()), () => issuer.mint({ credential: issuer.propose(current), tag: 'sealed' }, call()),
        () => issuer.probe(current, issuer.endpoints()[0] ?? '', call()), () => issuer.set(fresh('nobody'), 'gone', call()),
      ]
      await vault.seal()
      try {
        for (const attempt of attempts) {
          const answer = await attempt()
          expect(answer).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
          expect(JSON.stringify(answer)).toContain('is sealed: unseal it')
        }
      } finally {
        await vault.unseal()
      }
      for (const attempt of attempts) expect((await attempt()).is).toBe('done')
    })

    law('a rotation whose store is sealed when it comes to publish waits, says so, and publishes after unseal (S2-55, R-19)', async (vault) => {
      const { ran, before, after, sibling } = await rotateSealedAmid(vault)
      // 4: the new one is published, and the grace of the old one begins.
      expect(ran.code, ran.said).toBe(4)
      expect(ran.said).toContain('wait 1 h of grace')
      expect(after === before).toBe(false)
      expect(sibling).toBe('info')
      expect(ran.said.includes(after)).toBe(false)
    })
  })

  describe(`${name}, its KV engine`, () => {
    law('secret/x and secret/data/x are one store; no other is', async (vault) => {
      const { path, mount } = await shelf(vault)
      const [one, two] = [storeAt(vault, path), storeAt(vault, `${mount}/data/atlas`)]
      expect(one.identity()).toBe(two.identity())
      expect(storeAt(vault, path, { namespace: 'team' }).identity() === one.identity()).toBe(false)
      expect(must(await two.read(['PASSWORD'], call())).entries['PASSWORD']?.reveal()).toBe('before')
    })

    law('a patch makes one new version, the old one stays readable, and one that changes nothing makes none (S2-09, C-20)', async (vault) => {
      const { ask, path, mount } = await shelf(vault)
      const store = storeAt(vault, path)
      const sibling = limitIn(await ask('GET', `${mount}/data/atlas`))
      const { revision } = must(await store.read([], call()))
      const { revision: next } = must(await store.write({ PASSWORD: new Secret('after') }, revision, call()))
      must(await store.write({ PASSWORD: new Secret('after') }, next, call()))
      const now = await ask('GET', `${mount}/data/atlas`)
      expect(at(now, 'data', 'metadata', 'version')).toBe(2)
      expect(limitIn(now)).toBe(sibling)
      expect(textOf(await ask('GET', `${mount}/data/atlas?version=1`), 'data', 'data', 'PASSWORD')).toBe('before')
    })

    law('an edit between our look and our write is a conflict and survives (C-20)', async (vault) => {
      const { ask, path, mount } = await shelf(vault)
      for (const has of [['read', 'patch'], ['read', 'update']] as const) {
        const token = await vault.limited(`${mount}/data/atlas`, has)
        const store = openStore(storeSchema.parse({ address: vault.front.url, token: '${env:T}', path }), hostOf({ '${env:T}': token }))
        const { revision } = must(await store.read([], call()))
        const edited = fresh('a-person')
        vault.front.meanwhile = () => ask('POST', `${mount}/data/atlas`, { data: { PASSWORD: edited } })
        expect(await store.write({ PASSWORD: new Secret('ours') }, revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
        expect(must(await store.read(['PASSWORD'], call())).entries['PASSWORD']?.reveal()).toBe(edited)
      }
    })

    law('without the capability `patch` the whole secret is written under the same check-and-set, siblings in their own words', async (vault) => {
      const { ask, path, mount } = await shelf(vault)
      const token = await vault.limited(`${mount}/data/atlas`, ['read', 'update'])
      const store = openStore(storeSchema.parse({ address: vault.front.url, token: '${env:T}', path }), hostOf({ '${env:T}': token }))
      must(await store.preflight(call()))
      const sibling = limitIn(await ask('GET', `${mount}/data/atlas`))
      const { revision } = must(await store.read([], call()))
      must(await store.write({ PASSWORD: new Secret('after'), NEXT: new Secret('<&>') }, revision, call()))
      expect(limitIn(await ask('GET', `${mount}/data/atlas`))).toBe(sibling)
      expect(must(await store.read(['NEXT'], call())).entries['NEXT']?.reveal()).toBe('<&>')
      expect(await store.write({ PASSWORD: new Secret('late') }, revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    })

    law('a right that is missing is named before anything is written, and at the write itself', async (vault) => {
      const { path, mount } = await shelf(vault)
      for (const [has, lacks] of [[['read'], 'patch or update'], [[], '']] as const) {
        const token = await vault.limited(`${mount}/data/atlas`, has)
        const store = openStore(storeSchema.parse({ address: vault.front.url, token: '${env:T}', path }), hostOf({ '${env:T}': token }))
        const answer = await store.preflight(call())
        expect(answer).toMatchObject({ is: 'refused', code: 'STORE_DENIED' })
        expect(JSON.stringify(answer)).toContain(`${lacks}${lacks === '' ? 'GET' : ' on'} ${mount}/data/atlas`)
        if (lacks === '') continue
        const { revision } = must(await store.read([], call()))
        expect(await store.write({ PASSWORD: new Secret('after') }, revision, call())).toMatchObject({ is: 'refused', code: 'STORE_DENIED' })
      }
    })

    law('a secret that is not there, is deleted, or lies in an engine of the other version, is told apart', async (vault) => {
      const { ask, path, mount } = await shelf(vault)
      expect(await storeAt(vault, `${mount}/nowhere`).read([], call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
      const other = await storeAt(vault, path, {}, { version: 1 }).preflight(call())
      expect(other).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID' })
      expect(JSON.stringify(other)).toContain('version: 2')
      await ask('DELETE', `${mount}/data/atlas`)
      expect(await storeAt(vault, path).read([], call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    })

    law('a key that is no text is refused and named', async (vault) => {
      const { path } = await shelf(vault)
      const answer = await storeAt(vault, path).read(['limit'], call())
      expect(answer).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
      expect(JSON.stringify(answer)).toContain('limit')
    })
  })

  describe(`${name}, who comes in`, () => {
    law('an AppRole logs in for each use, and leaves no token behind (X-14)', async (vault) => {
      const { path } = await shelf(vault)
      const ask = asker(vault.url, vault.root)
      const role = fresh('keyturn')
      const policy = fresh('all')
      await ask('PUT', `sys/policies/acl/${policy}`, { policy: 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }' })
      await ask('POST', `auth/approle/role/${role}`, { token_policies: policy })
      const roleId = textOf(await ask('GET', `auth/approle/role/${role}/role-id`), 'data', 'role_id')
      const secretId = textOf(await ask('POST', `auth/approle/role/${role}/secret-id`, {}), 'data', 'secret_id')
      const tokens = async () => listOf(await ask('GET', 'auth/token/accessors?list=true'), 'data', 'keys').length
      const before = await tokens()
      const store = storeAt(vault, path, { login: { role_id: roleId, secret_id: secretId, mount: 'approle' } })
      const { revision } = must(await store.read([], call()))
      must(await store.write({ PASSWORD: new Secret('after') }, revision, call()))
      const env = { VAULT_ADDR: vault.front.url, VAULT_ROLE_ID: roleId, VAULT_SECRET_ID: secretId }
      expect(must(await openReference({ env, notice: () => undefined }).resolve(`${path}#PASSWORD`, call())).reveal()).toBe('after')
      expect(await tokens()).toBe(before)
      const wrong = storeAt(vault, path, { login: { role_id: roleId, secret_id: fresh('wrong'), mount: 'approle' } })
      expect(await wrong.read([], call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    })

    law('a token that Vault does not know is no right that is missing', async (vault) => {
      const { path } = await shelf(vault)
      expect(await storeAt(vault, path, { token: 'hvs.nobody' }).read([], call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    })
  })

  describe(`${name}, its issuers`, () => {
    law('a right that is missing is named before anything is made', async (vault) => {
      const { role, current } = await issuerOf(vault, {})
      const token = await vault.limited(`auth/approle/role/${role}/secret-id-accessor/destroy`, ['read'])
      const issuer = openIssuer(issuerSchema.parse({ address: vault.front.url, token: '${env:T}', approle: { role } }), hostOf({ '${env:T}': token }))
      const answer = await issuer.preflight(current, 'pending', call())
      expect(answer).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
      expect(JSON.stringify(answer)).toContain(`create or update on auth/approle/role/${role}/secret-id-accessor/destroy`)
    })

    law('a role is refused whose secret ids cannot be proven, or that needs none', async (vault) => {
      const counted = await issuerOf(vault, { secret_id_num_uses: 3 })
      expect(await counted.issuer.preflight(counted.current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      const open = await issuerOf(vault, {})
      await open.ask('POST', `auth/approle/role/${open.role}`, { bind_secret_id: false, token_bound_cidrs: '127.0.0.0/8', secret_id_bound_cidrs: [] }).catch(() => undefined)
      const settings = await open.ask('GET', `auth/approle/role/${open.role}`)
      if (at(settings, 'data', 'bind_secret_id') === false) expect(await open.issuer.preflight(open.current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS' })
    })

    law('one that is not of the role is found before anything is made', async (vault) => {
      const [ours, theirs] = [await issuerOf(vault, {}), await issuerOf(vault, {})]
      expect(await ours.issuer.preflight(theirs.current, 'pending', call())).toMatchObject({ is: 'refused', code: 'CREDENTIAL_REJECTED' })
    })

    law('a role that Vault has locked out gives no verdict: that is no proof that a secret id is dead (I12)', async (vault) => {
      const { issuer, current, ask, role } = await issuerOf(vault, {})
      const roleId = textOf(await ask('GET', `auth/approle/role/${role}/role-id`), 'data', 'role_id')
      for (let time = 0; time < 5; time += 1) await ask('POST', 'auth/approle/login', { role_id: roleId, secret_id: fresh('wrong') }).catch(() => undefined)
      expect(issuer.traits.lockout).toBe(5)
      expect(await issuer.probe(current, issuer.endpoints()[0] ?? '', call())).toMatchObject({ is: 'done', value: { verdict: 'inconclusive', code: '403' } })
    })

    law('a role that is not there is no proof that its secret ids are gone', async (vault) => {
      const { ask, role, issuer, current } = await issuerOf(vault, {})
      await ask('DELETE', `auth/approle/role/${role}`).catch(() => undefined)
      expect(await issuer.set(current.id, 'gone', call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
      expect(await issuer.observe(call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    })

    law('keyturn\'s own token is never ended, nor one of another role; a role that makes children is refused (I4)', async (vault) => {
      const ask = asker(vault.url, vault.root)
      const role = fresh('atlas')
      await ask('POST', `auth/token/roles/${role}`, { orphan: true })
      const made = await ask('POST', `auth/token/create/${role}`, {})
      const config = issuerSchema.parse({ address: vault.front.url, token: '${env:T}', tokens: { role } })
      const [token, accessor] = [textOf(made, 'auth', 'client_token'), textOf(made, 'auth', 'accessor')]
      const own = textOf(await ask('GET', 'auth/token/lookup-self'), 'data', 'accessor')
      const issuer = openIssuer(config, hostOf({ '${env:T}': vault.root }))
      expect(await issuer.set(own, 'gone', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
      const stranger = textOf(await ask('POST', 'auth/token/create-orphan', { display_name: 'stranger' }), 'auth', 'accessor')
      expect(await issuer.set(stranger, 'gone', call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
      await ask('POST', `auth/token/roles/${role}`, { orphan: false })
      const current = { id: accessor, fields: { secret: new Secret(token), accessor: new Secret(accessor) } }
      expect(await issuer.preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      expect((await issuer.set(accessor, 'on', call())).is).toBe('done')
      must(await issuer.set(accessor, 'gone', call()))
      expect(await issuer.set(accessor, 'on', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    })
  })

  describe(`${name}, orphans of one name`, () => {
    law('are told from others by their display name, and are made with their policies', async (vault) => {
      const ask = asker(vault.url, vault.root)
      const label = fresh('atlas')
      const made = await ask('POST', 'auth/token/create-orphan', { display_name: label, policies: ['default'] })
      const [secret, accessor] = [textOf(made, 'auth', 'client_token'), textOf(made, 'auth', 'accessor')]
      const current = { id: accessor, fields: { secret: new Secret(secret), accessor: new Secret(accessor) } }
      const issuer = openIssuer(issuerSchema.parse({ address: vault.front.url, token: '${env:T}', tokens: { name: label, policies: ['default'], ttl: '1h' } }), hostOf({ '${env:T}': vault.root }))
      must(await issuer.preflight(current, 'pending', call()))
      const { credential } = must(await issuer.mint({ credential: issuer.propose(current), tag: 'one' }, call()))
      const { known } = must(await issuer.observe(call()))
      expect(known.map(({ id }) => id).sort()).toEqual([accessor, credential.id].sort())
    })
  })
}

function must<T>(answer: { readonly is: string; readonly value?: T }): T {
  if (answer.is === 'done' && answer.value !== undefined) return answer.value
  throw new Error(JSON.stringify(answer))
}
