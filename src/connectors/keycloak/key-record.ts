import { z } from 'zod'
import { refused } from '../../kit/answer.ts'
import { type Api, Stopped } from './api.ts'
import type { KeysConfig } from './manifest.ts'

const PROVIDER = 'org.keycloak.keys.KeyProvider'

/** Keys of ours carry the tag of their attempt in their name. */
const NAMED = 'keyturn-'

const keysSchema = z.object({
  keys: z.array(z.object({ providerId: z.string(), providerPriority: z.number().default(0), kid: z.string().default(''), status: z.string().default('ACTIVE'), algorithm: z.string().default(''), use: z.string().default('SIG') })),
})

const componentSchema = z.looseObject({ id: z.string(), name: z.string().default(''), config: z.record(z.string(), z.array(z.string())).default({}) })
const componentsSchema = z.array(componentSchema)

/** A key of the realm. */
export interface KeyRecord {
  /** The component that provides it: its id at Keycloak. */
  readonly component: string
  readonly kid: string
  readonly priority: number
  /** Whether tokens that it signed are accepted. */
  readonly enabled: boolean
  /** Whether it may sign. */
  readonly active: boolean
  /** The attempt that made it. */
  readonly tag?: string
}

/** All keys that sign with this algorithm, those that are turned off too. */
export async function readKeys(api: Api, algorithm: KeysConfig['algorithm']): Promise<readonly KeyRecord[]> {
  const listed = await api.get(keysSchema, { path: ['keys'], role: 'view-realm' })
  const components = await api.get(componentsSchema, { path: ['components'], query: { type: PROVIDER }, role: 'view-realm' })
  if (listed === undefined || components === undefined) throw new Stopped(refused('PRINCIPAL_MISSING', 'the realm does not exist'))
  return listed.keys.filter((key) => key.algorithm === algorithm && key.use === 'SIG' && key.kid !== '').map((key) => {
    const name = components.find(({ id }) => id === key.providerId)?.name ?? ''
    return {
      component: key.providerId, kid: key.kid, priority: key.providerPriority,
      enabled: key.status !== 'DISABLED', active: key.status === 'ACTIVE',
      ...(name.startsWith(NAMED) ? { tag: name.slice(NAMED.length) } : {}),
    }
  })
}

const realmSchema = z.object({ accessTokenLifespan: z.number().default(0) })

/** How long an access token of the realm lives, seconds. */
export async function readTokenLife(api: Api): Promise<number> {
  return (await api.get(realmSchema, { path: [], role: 'view-realm' }))?.accessTokenLifespan ?? 0
}

/** Has Keycloak make a key; with the highest priority it signs at once. */
export async function addKey(api: Api, { algorithm, size, priority, tag }: Pick<KeysConfig, 'algorithm' | 'size'> & { readonly priority: number; readonly tag: string }): Promise<void> {
  await api.change('POST', { path: ['components'], role: 'manage-realm' }, {
    name: `${NAMED}${tag}`, providerId: 'rsa-generated', providerType: PROVIDER,
    config: { priority: [String(priority)], enabled: ['true'], active: ['true'], algorithm: [algorithm], keySize: [String(size)] },
  })
}

/** Turns a key off, so that what it signed is refused, or on again. Keycloak keeps it meanwhile. */
export async function turnKey(api: Api, { component }: KeyRecord, enabled: boolean): Promise<void> {
  const thing = { path: ['components', component], role: 'manage-realm' }
  const now = await api.get(componentSchema, { ...thing, role: 'view-realm' })
  if (now === undefined) throw new Stopped(refused('PRINCIPAL_MISSING', `there is no key ${component}`))
  await api.change('PUT', thing, { ...now, config: { ...now.config, enabled: [String(enabled)] } })
}

/** Ends a key for good; done when there is none. */
export async function removeKey(api: Api, { component }: KeyRecord): Promise<void> {
  await api.change('DELETE', { path: ['components', component], role: 'manage-realm' })
}
