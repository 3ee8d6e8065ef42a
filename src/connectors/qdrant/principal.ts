import { scryptSync } from 'node:crypto'
import { type Fields, resourceKey, type ResourceKey } from '../../kit/index.ts'
import type { Keys, Place } from './keys.ts'
import type { IssuerConfig } from './manifest.ts'

/** One key of one server or cluster, and how its credentials are called. */
export interface Principal {
  readonly overlap: boolean
  readonly readOnly: boolean
  /** The places that its keys may stand in, the first one first. */
  readonly places: readonly Place[]
  identity(): ResourceKey
  /** The credential that a key is. */
  idOfKey(key: string): string
  idOf(fields: Fields): string | undefined
  /** The credentials in a file. */
  idsIn(keys: Keys): readonly string[]
}

/**
 * The principal that a configuration names. In place there is one credential, called as its key; beside each other they are told apart
 * by a digest of the key, made with scrypt: ids are shown, and a bare hash would help who guesses a key that a person thought up.
 */
export function principalOf({ key, strategy, nodes }: IssuerConfig): Principal {
  const { host } = new URL(nodes[0]?.url ?? '')
  const overlap = strategy === 'overlap'
  const places: readonly Place[] = overlap ? ['api_key', 'alt_api_key'] : [key]
  const digests = new Map<string, string>()
  const idOfKey = (value: string): string => {
    if (!overlap) return key
    const digest = digests.get(value) ?? scryptSync(value, `keyturn/qdrant/${host}`, 8, { N: 4096 }).toString('hex')
    digests.set(value, digest)
    return `${key}#${digest}`
  }
  return {
    overlap, places, idOfKey,
    readOnly: key === 'read_only_api_key',
    identity: () => resourceKey('principal', 'qdrant', host, key),
    idOf: ({ key: value }) => (value === undefined ? undefined : idOfKey(value.reveal())),
    idsIn: (keys) => [...new Set(places.flatMap((place) => keys[place] ?? []).map(idOfKey))],
  }
}
