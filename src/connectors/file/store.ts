import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import type { Patch, Store } from '../../kit/store.ts'
import { canonical, disk, type FilePort, inspectPlace, loadContent, locate, saveContent, tidyFile } from '../../outside/file/index.ts'
import { credsFormat } from './creds.ts'
import type { Format } from './format.ts'
import { jsonFormat } from './json.ts'
import type { StoreConfig } from './manifest.ts'
import { pemFormat } from './pem.ts'
import { wholeFormat } from './whole.ts'

/** Opens a file as a store. Nothing is touched before a method is called. */
export function openStore(config: StoreConfig, host: Pick<Host, 'base'>, port: FilePort = disk): Store {
  const path = locate(config.file, host.base)
  const { write: way = 'replace' } = config
  const format = formatOf(config)
  /** Says which file it is about. */
  const here = <T>(answer: Answer<T>): Answer<T> =>
    answer.is === 'refused' ? refused(answer.code, `${path}: ${answer.about ?? ''}`, answer.evidence) : answer

  return {
    traits: { read: 'value', cas: true, local: true, ...(format.fixed ? { keys: 'fixed' } : {}) },
    identity: () => resourceKey('store', 'file', canonical(path)),
    title: () => `file ${path}`,

    preflight: async (call) => {
      const place = await inspectPlace(path, way, port, call)
      if (place.is !== 'done') return place
      const now = await loadContent(path, way, port)
      if (now.is !== 'done') return now
      const fits = format.read(now.value.bytes, [])
      return fits.is === 'done' ? done({ notices: place.value.notices }) : here(fits)
    },

    read: async (keys) => {
      const named = checkKeys(format, keys)
      if (named.is !== 'done') return here(named)
      const now = await loadContent(path, way, port)
      if (now.is !== 'done') return now
      const { bytes, revision } = now.value
      const values = format.read(bytes, keys)
      if (values.is !== 'done') return here(values)
      const entries = Object.fromEntries([...values.value].map(([key, value]) => [key, new Secret(value)]))
      return done({ entries, revision })
    },

    accepts: (entries) => here(checkValues(format, entries)),

    write: async (patch, ifRevision, call) => {
      const readable = checkValues(format, patch)
      if (readable.is !== 'done') return here(readable)
      const now = await loadContent(path, way, port)
      if (now.is !== 'done') return now
      if (now.value.revision !== ifRevision) return refused('CONFLICT', path)
      const next = applyPatch(format, now.value.bytes, patch)
      if (next.is !== 'done') return here(next)
      return saveContent({ path, bytes: next.value, ifRevision, way }, call, port)
    },

    tidy: () => tidyFile(path, port),
  }
}

function formatOf({ format, exact }: StoreConfig): Format {
  return { whole: wholeFormat(exact === true), json: jsonFormat, pem: pemFormat, creds: credsFormat }[format]
}

/** Each key has a place of its own. */
function checkKeys(format: Format, keys: readonly string[]): Answer<void> {
  const seen = new Map<string, string>()
  for (const key of keys) {
    const place = format.place(key)
    if (place === undefined) return refused('MANIFEST_INVALID', `${key} is no key; write ${format.keys}`)
    const other = seen.get(place)
    if (other !== undefined) return refused('MANIFEST_INVALID', `${other} and ${key} name one place`)
    seen.set(place, key)
  }
  return done(undefined)
}

function checkValues(format: Format, patch: Patch): Answer<void> {
  const named = checkKeys(format, Object.keys(patch))
  if (named.is !== 'done') return named
  for (const [key, value] of Object.entries(patch)) {
    const why = value === null ? undefined : format.misread(key, value.reveal())
    if (why !== undefined) return refused('VALUE_UNREADABLE', `${key}: ${why}`)
  }
  return done(undefined)
}

/** The new content, read again: every key of ours has to be in it as it was given. */
function applyPatch(format: Format, bytes: Buffer, patch: Patch): Answer<Buffer> {
  let next = bytes
  for (const [key, value] of Object.entries(patch)) {
    const put = format.put(next, key, value?.reveal() ?? null)
    if (put.is !== 'done') return put
    next = put.value
  }
  const again = format.read(next, Object.keys(patch))
  if (again.is !== 'done') return again
  const misread = Object.entries(patch).find(([key, value]) => again.value.get(key) !== value?.reveal())?.[0]
  return misread === undefined ? done(next) : refused('VALUE_UNREADABLE', `${misread}: it is not read as it is written`)
}
