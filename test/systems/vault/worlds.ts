import { ALNUM, generate } from '../../../src/kit/generate.ts'
import type { Credential, Host, Sealer } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'
import type { Front } from '../../../src/connectors/vault/fake.ts'
import { openIssuer, openReference, openStore } from '../../../src/connectors/vault/index.ts'
import { issuerSchema } from '../../../src/connectors/vault/issuer-schema.ts'
import { nameSchema } from '../../../src/connectors/vault/manifest.ts'
import { storeSchema } from '../../../src/connectors/vault/store-schema.ts'
import { transitSealer } from '../../../src/connectors/vault/transit.ts'
import type { IssuerWorld } from '../../../src/testing/issuer.ts'
import type { ReferenceUnderTest } from '../../../src/testing/reference.ts'
import type { SealerUnderTest } from '../../../src/testing/sealer.ts'
import type { StoreUnderTest } from '../../../src/testing/store.ts'
import { asker, textOf } from './ask.ts'

/** A Vault, pretended or real, with AppRole at `approle`, behind a front of this world's own. */
export interface Vault {
  readonly front: Front
  /** Its own address: what a test does behind everybody's back takes no part in the faults. */
  readonly url: string
  readonly root: string
  seal(): Promise<void> | void
  unseal(): Promise<void> | void
  /** A token that may do everything, but on this path only what is named. */
  limited(path: string, capabilities: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** References stand for themselves: `${token}` is nothing that this host knows. */
export function hostOf(values: Readonly<Record<string, string>>): Host {
  return { base: '/', now: () => Date.now(), conceal: () => undefined, resolve: async (text) => new Secret(values[text] ?? text) }
}

/** A name that no other test has. */
export function fresh(name: string): string {
  return `${name}-${generate('abcdefghijklmnopqrstuvwxyz0123456789', 10)}`
}

const SLOTS = 4
const KINDS = { approle: 'auth/approle/role', tokens: 'auth/token/roles' } as const

/** Secret ids of an AppRole, or tokens of a token role. */
export async function issuerWorld(vault: Vault, kind: keyof typeof KINDS): Promise<IssuerWorld> {
  const { front } = vault
  const ask = asker(vault.url, vault.root)
  const [ours, theirs] = [fresh('atlas'), fresh('other')]
  const settings = kind === 'approle' ? { token_ttl: 300, token_max_ttl: 600 } : { orphan: true, allowed_policies: 'default', renewable: true }
  for (const role of [ours, theirs]) await ask('POST', `${KINDS[kind]}/${role}`, settings)
  const make = async (role: string): Promise<Credential> => {
    const made = kind === 'approle' ? await ask('POST', `${KINDS.approle}/${role}/secret-id`, {}) : await ask('POST', `auth/token/create/${role}`, { display_name: role })
    const [id, secret] = kind === 'approle'
      ? [textOf(made, 'data', 'secret_id_accessor'), textOf(made, 'data', 'secret_id')]
      : [textOf(made, 'auth', 'accessor'), textOf(made, 'auth', 'client_token')]
    return { id, fields: { secret: new Secret(secret), accessor: new Secret(id) } }
  }
  const sibling = await make(theirs)
  const roleIds = new Map<string, string>()
  if (kind === 'approle') for (const role of [ours, theirs]) roleIds.set(role, textOf(await ask('GET', `${KINDS.approle}/${role}/role-id`), 'data', 'role_id'))
  const config = issuerSchema.parse({ address: front.url, token: '${env:T}', slots: SLOTS, ...(kind === 'approle' ? { approle: { role: ours } } : { tokens: { role: ours } }) })
  let [down, back] = [false, Promise.resolve()]
  return {
    current: await make(ours),
    siblings: [sibling],
    open: () => {
      // An outage lasts until the next run of keyturn.
      if (down) back = front.start()
      down = false
      return openIssuer(config, hostOf({ '${env:T}': vault.root }))
    },
    use: async ({ id, fields }) => ({
      alive: async () => {
        const value = fields['secret']?.reveal() ?? ''
        const role = id === sibling.id ? theirs : ours
        const asked = kind === 'approle'
          ? asker(vault.url, '')('POST', 'auth/approle/login', { role_id: roleIds.get(role), secret_id: value })
          : asker(vault.url, value)('GET', 'auth/token/lookup-self')
        return asked.then(() => true, () => false)
      },
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') for (let made = 1; made < SLOTS; made += 1) await make(ours)
      else if (fault === 'unreachable') {
        await front.stop()
        down = true
      } else front.next = fault === 'server-error' ? 500 : fault
    },
    close: async () => {
      await back
      await vault.close()
    },
  }
}

/** A secret with two keys of ours, and with siblings that a careless client would write otherwise. */
export async function storeWorld(vault: Vault, version: 1 | 2): Promise<StoreUnderTest> {
  const { front } = vault
  const ask = asker(vault.url, vault.root)
  const mount = fresh('kv')
  await ask('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: String(version) } })
  const api = version === 2 ? `${mount}/data/team/atlas` : `${mount}/team/atlas`
  const put = (data: string): Promise<unknown> => ask('POST', api, version === 2 ? `{"data":${data}}` : data)
  const texts = { KEY: generate(ALNUM, 32), KEY_OLD: generate(ALNUM, 32) }
  const siblings = (note: string): string => `"NOTE":${JSON.stringify(note)},"limit":12345678901234567890,"nested":{"a":[1,2.50,null],"b":"<&>"}`
  const written = version === 1
  await until(async () => put(`{${JSON.stringify(texts).slice(1, -1)},${siblings('as it was')}}`))
  const open = (path: string) => openStore(storeSchema.parse({ address: front.url, token: '${env:T}', path, version }), hostOf({ '${env:T}': vault.root }))
  /** Our keys and the count of editions taken out, everything else as Vault writes it. */
  const others = async (): Promise<string> => {
    const { text } = await ask('GET', api)
    return ['NOTE":"[^"]*"', 'limit":[^,}]*', 'nested":\\{[^}]*\\}'].map((each) => new RegExp(`"${each}`).exec(text)?.[0] ?? 'gone').join('\n')
  }
  return {
    store: open(`${mount}/team/atlas`),
    // Written as the API has it: the same secret.
    again: () => open(written ? `${mount}/team/atlas` : `${mount}/data/team/atlas`),
    keys: ['KEY', 'KEY_OLD'],
    fresh: 'KEY_NEXT',
    siblings: others,
    edit: async () => {
      const { text } = await ask('GET', api)
      const { data } = JSON.parse(text) as { readonly data: Record<string, unknown> }
      const now = (version === 2 ? data['data'] : data) as Record<string, unknown>
      const ours = Object.fromEntries(Object.entries(now).filter(([key]) => key.startsWith('KEY')))
      await put(`{${JSON.stringify(ours).slice(1, -1)},${siblings(fresh('a person'))}}`)
    },
    litter: () => false,
    loseAnswer: () => {
      front.next = 'answer-lost'
    },
    close: vault.close,
  }
}

/** A fresh mount of version 2 turns its layout over for a moment and refuses meanwhile. */
async function until(act: () => Promise<unknown>): Promise<void> {
  for (let left = 200; ; left -= 1) {
    try {
      await act()
      return
    } catch (thrown) {
      if (left === 0) throw thrown
    }
  }
}

/** A key of the transit engine, and another one. */
export async function sealerWorld(vault: Vault): Promise<SealerUnderTest> {
  const ask = asker(vault.url, vault.root)
  const keys = [fresh('ours'), fresh('theirs')] as const
  for (const key of keys) await ask('POST', `transit/keys/${key}`, {})
  const open = (key: string): Sealer => transitSealer({ address: vault.url, token: '${env:T}', mount: 'transit', key }, hostOf({ '${env:T}': vault.root }))
  return { sealer: open(keys[0]), again: () => open(keys[0]), other: open(keys[1]), close: vault.close }
}

/** A key of a secret, in either version of the engine. */
export async function referenceWorld(vault: Vault, version: 1 | 2): Promise<ReferenceUnderTest> {
  const { front } = vault
  const ask = asker(vault.url, vault.root)
  const mount = `${fresh('team')}/kv`
  await ask('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: String(version) } })
  const put = (data: object): Promise<unknown> => ask('POST', version === 2 ? `${mount}/data/atlas/db` : `${mount}/atlas/db`, version === 2 ? { data } : data)
  await until(async () => put({ other: 'x', number: 7 }))
  front.silent = '/silent'
  const noticed: string[] = []
  return {
    reference: openReference({ env: { VAULT_ADDR: front.url, VAULT_TOKEN: vault.root }, notice: (text) => { noticed.push(text) } }),
    names: nameSchema,
    name: `${mount}/atlas/db#password`,
    set: async (value) => { await put({ password: value, other: 'x', number: 7 }) },
    absent: [`${mount}/atlas/db#absent`, `${mount}/atlas/db#number`, `${mount}/atlas/none#password`, `${fresh('nowhere')}/atlas#password`],
    wrong: ['secret', 'secret#key', 'secret/atlas', 'secret/atlas#', '../secret/atlas#key', 'secret//atlas#key', ' secret/atlas#key', 'secret/atlas#key ', '/secret/atlas#key'],
    noticed,
    silent: `${mount}/silent#key`,
    close: vault.close,
  }
}
