import { z } from 'zod'
import type { Known } from '../../kit/issuer.ts'

/**
 * What a new key takes over from the one in use, so that it may do the same: what `/key/info` shows and `/key/generate` takes.
 * https://docs.litellm.ai/docs/proxy/virtual_keys
 */
const TAKEN_OVER = [
  'models', 'team_id', 'user_id', 'organization_id', 'project_id', 'budget_id', 'max_budget', 'budget_duration', 'model_max_budget', 'tpm_limit', 'rpm_limit',
  'max_parallel_requests', 'metadata', 'aliases', 'config', 'permissions', 'allowed_routes', 'allowed_cache_controls', 'key_type',
] as const

const recordSchema = z.looseObject({
  /** The SHA-256 of the key, in hex: what LiteLLM itself calls it by. */
  token: z.string().regex(/^[0-9a-f]{64}$/),
  key_alias: z.string().nullish(),
  blocked: z.boolean().nullish(),
  expires: z.string().nullish(),
  created_at: z.string().nullish(),
  last_active: z.string().nullish(),
  object_permission_id: z.string().nullish(),
})

/** A virtual key as an admin sees it. */
export type KeyRecord = z.infer<typeof recordSchema>

/** A page of `/key/list?return_full_object=true`. */
export const pageSchema = z.object({ keys: z.array(recordSchema), total_pages: z.int().nonnegative().default(1) })

/** Whether the alias is this one, or that of a key that was made for it. */
export function isOf(alias: string, { key_alias: own }: Pick<KeyRecord, 'key_alias'>): boolean {
  return own === alias || own?.startsWith(`${alias}/`) === true
}

/** As the engine knows it; `recent` is how long after its last use it counts as used. */
export function knownOf(record: KeyRecord, alias: string, now: number, recent: number): Known {
  const last = Date.parse(`${record.last_active ?? ''}`)
  const tag = record.key_alias?.slice(alias.length + 1) ?? ''
  return {
    id: record.token,
    state: record.blocked === true ? 'off' : 'on',
    uses: now - last <= recent ? [{ by: 'key', count: 1 }] : [],
    ...(tag === '' ? {} : { tag }),
  }
}

/** Whether this version of LiteLLM says when a key was used last. */
export function tellsUse(records: readonly KeyRecord[]): boolean {
  return records.length > 0 && records.every((record) => 'last_active' in record)
}

/** The body that makes a key with the rights of this one. */
export function likeOf(record: KeyRecord, alias: string, duration: string | undefined): object {
  const taken = TAKEN_OVER.flatMap((name) => {
    const value = record[name]
    return value === undefined || value === null || isEmpty(value) ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(taken), key_alias: alias, ...(duration === undefined ? {} : { duration }) }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
