import { z } from 'zod'
import type { Known } from '../../kit/issuer.ts'
import type { Secret } from '../../kit/secret.ts'

/** What a new key takes over from the one in use: what a list shows and a creation takes. */
const TAKEN_OVER = ['limit', 'limit_reset', 'include_byok_in_limit'] as const

const recordSchema = z.looseObject({
  /** What OpenRouter calls the key by in its addresses. */
  hash: z.string().regex(/^[\w-]{1,200}$/),
  name: z.string(),
  /** The key with its middle left out: `sk-or-v1-b7e...2b2`. */
  label: z.string(),
  disabled: z.boolean(),
  created_at: z.string().nullish(),
  expires_at: z.string().nullish(),
  last_used_at: z.string().nullish(),
})

/** A key as the owner of the account sees it. https://openrouter.ai/docs/api/api-reference/api-keys/list */
export type KeyRecord = z.infer<typeof recordSchema>

export const pageSchema = z.object({ data: z.array(recordSchema) })
export const madeSchema = z.object({ key: z.string().startsWith('sk-or-'), data: recordSchema })

/**
 * The label of a key, which is all of a list that the key itself tells: its first twelve and last three characters. Two keys of one account
 * have the same one about once in 16 million; such a pair is left alone.
 */
export function labelOf(key: Secret): string {
  const text = key.reveal()
  return `${text.slice(0, 12)}...${text.slice(-3)}`
}

/** Whether the name is this one, or that of a key that was made for it. */
export function isOf(name: string, record: Pick<KeyRecord, 'name'>): boolean {
  return record.name === name || (record.name.startsWith(`${name} [`) && record.name.endsWith(']'))
}

/** As the engine knows it; `recent` is how long after its last use it counts as used. */
export function knownOf(record: KeyRecord, name: string, now: number, recent: number): Known {
  const last = Date.parse(`${record.last_used_at ?? ''}`)
  const tag = record.name.slice(name.length + 2, -1)
  return {
    id: record.label,
    state: record.disabled ? 'off' : 'on',
    uses: now - last <= recent ? [{ by: 'key', count: 1 }] : [],
    ...(tag === '' ? {} : { tag }),
  }
}

/** Whether OpenRouter says when these keys were used last. */
export function tellsUse(records: readonly KeyRecord[]): boolean {
  return records.length > 0 && records.every((record) => 'last_used_at' in record)
}

/** The body that makes a key with the limits of this one. */
export function likeOf(record: KeyRecord, name: string, workspace: string | undefined): object {
  const taken = TAKEN_OVER.flatMap((field) => (record[field] === undefined || record[field] === null ? [] : [[field, record[field]] as const]))
  return { ...Object.fromEntries(taken), name, ...(workspace === undefined ? {} : { workspace_id: workspace }) }
}
