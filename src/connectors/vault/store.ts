import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries, Patch, Store } from '../../kit/store.ts'
import { placeOf } from './api.ts'
import { asAdmin } from './door.ts'
import { type Content, patchSecret, readSecret } from './kv.ts'
import { engineOf } from './mount.ts'
import { dataPath, locateSecret } from './path.ts'
import { checkRights } from './rights.ts'
import type { StoreConfig } from './store-schema.ts'

/** Opens a secret in a KV engine as a store. Nothing is asked before a method is called. */
export function openStore(config: StoreConfig, host: Pick<Host, 'resolve' | 'conceal'>): Store {
  const secret = locateSecret(config)
  if (secret === undefined) throw new KeyturnError('MANIFEST_INVALID', 'the path of a secret has a mount and a name')
  const place = placeOf(config)
  const title = `vault ${place} ${secret.mount}/${secret.name}`

  return {
    traits: { read: 'value', cas: secret.version === 2 },
    identity: () => resourceKey('store', 'vault', place, config.namespace ?? '', secret.mount, secret.name),
    title: () => title,

    preflight: (call) => asAdmin(config, host, call, async (door) => {
      const seen = await readSecret(door, secret, call)
      const engine = await engineOf(door, secret.mount, call)
      // First what explains the other: a secret of another version is not found where this one looks.
      if (engine.is === 'done' && engine.value !== undefined && engine.value.version !== secret.version) {
        return refused('MANIFEST_INVALID', `${secret.mount} at ${place} is a KV engine of version ${engine.value.version}: write \`version: ${engine.value.version}\``)
      }
      if (seen.is !== 'done') return seen
      const write = secret.version === 2 ? ['patch', 'update'] : ['update']
      const rights = await checkRights(door, { [dataPath(secret)]: [['read'], write] }, call)
      if (rights.is !== 'done') return rights.is === 'refused' && rights.code === 'RIGHTS_MISSING' ? refused('STORE_DENIED', rights.about) : rights
      const notices = [...rights.value, ...noticesOf(config)]
      return done({ notices: notices.map((notice) => `${title}: ${notice}`) })
    }),

    read: (keys, call) => asAdmin(config, host, call, async (door) => {
      const now = await readSecret(door, secret, call)
      if (now.is !== 'done') return now
      const entries = entriesOf(now.value, keys, title)
      return entries.is === 'done' ? done({ entries: entries.value, revision: now.value.revision }) : entries
    }),

    // Vault gives every text back as it was written.
    accepts: () => done(undefined),

    write: (patch, ifRevision, call) => asAdmin(config, host, call, async (door) => {
      const now = await readSecret(door, secret, call)
      if (now.is !== 'done') return nothingWritten(now)
      if (now.value.revision !== ifRevision) return refused('CONFLICT', title)
      const changes = changesIn(now.value, patch)
      if (changes.size === 0) return done({ revision: ifRevision })
      const revision = await patchSecret(door, secret, now.value, changes, call)
      return revision.is === 'done' ? done({ revision: revision.value }) : revision
    }),

    // A request that was cut leaves nothing beside the secret.
    tidy: async () => done(undefined),
  }
}

function entriesOf({ values }: Content, keys: readonly string[], title: string): Answer<Entries> {
  const entries: Record<string, Secret> = {}
  for (const key of keys) {
    if (!values.has(key)) continue
    const value = values.get(key)
    if (value === undefined) return refused('STORE_UNFIT', `${key} in ${title} is no text`)
    entries[key] = new Secret(value)
  }
  return done(entries)
}

/** What of the patch is not so already: a write that changes nothing would push an older version out. */
function changesIn({ values }: Content, patch: Patch): ReadonlyMap<string, string | null> {
  const changes = new Map<string, string | null>()
  for (const [key, value] of Object.entries(patch)) {
    if (value === null ? values.has(key) : values.get(key) !== value.reveal()) changes.set(key, value?.reveal() ?? null)
  }
  return changes
}

/** The look before a write changes nothing, so that its silence is a refusal of the write. */
function nothingWritten<T>(answer: Answer<T>): Answer<never> {
  if (answer.is === 'unknown') return refused(answer.code, answer.about, answer.evidence)
  return answer.is === 'refused' ? answer : refused('INTERNAL')
}

function noticesOf({ address, version }: StoreConfig): string[] {
  const notices: string[] = []
  if (isClear(address)) notices.push('values cross the network in clear: the address begins with http://')
  if (version === 1) notices.push('KV version 1 cannot compare before it writes: an edit in the same moment may be lost')
  return notices
}

/** Whether what is sent to this address can be read on the way: no TLS, and not this machine. */
export function isClear(address: string): boolean {
  return /^http:\/\/(?!localhost(?:[:/]|$)|127\.|\[::1\])/.test(address)
}
