import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries, Patch, Store } from '../../kit/store.ts'
import { canonical, disk, type FilePort, loadContent, locate, saveContent, tidyFile } from '../../outside/file/index.ts'
import { decode, type Fit, fitRemoval, fitValue } from './fit.ts'
import type { StoreConfig } from './manifest.ts'
import { inspect } from './preflight.ts'
import { readAll, READERS, type Reader } from './readers/index.ts'

/** Opens an env file as a store. Nothing is touched before a method is called. */
export function openStore(config: StoreConfig, host: Pick<Host, 'base'>, port: FilePort = disk): Store {
  const path = locate(config.file, host.base)
  const { readers: declared, write: way = 'replace' } = config

  /** The file as latin1, one character per byte. */
  async function load(): Promise<Answer<{ text: string; revision: string }>> {
    const now = await loadContent(path, way, port)
    return now.is === 'done' ? done({ text: now.value.bytes.toString('latin1'), revision: now.value.revision }) : now
  }

  /** Those whose reading counts: the declared ones, or all that can read the file as it is. */
  function readersOf(text: string): readonly Reader[] {
    return declared ?? READERS.filter((reader) => readAll(reader, decode(text)) !== undefined)
  }

  return {
    traits: { read: 'value', cas: true, local: true },
    identity: () => resourceKey('store', 'dotenv', canonical(path)),
    title: () => `dotenv ${path}`,
    preflight: (call) => inspect(path, declared, way, port, call),

    read: async (keys) => {
      const now = await load()
      if (now.is !== 'done') return now
      const { text, revision } = now.value
      const entries = readEntries(text, keys, readersOf(text), path)
      return entries.is === 'done' ? done({ entries: entries.value, revision }) : entries
    },

    accepts: (entries) => {
      for (const [key, value] of Object.entries(entries)) {
        const fit = fitValue('', key, value.reveal(), declared ?? READERS)
        if ('unread' in fit) return misread(key, fit.unread)
      }
      return done(undefined)
    },

    write: async (patch, ifRevision, call) => {
      const now = await load()
      if (now.is !== 'done') return now
      const { text, revision } = now.value
      if (revision !== ifRevision) return refused('CONFLICT', path)
      const readers = readersOf(text)
      const unable = (declared ?? READERS).filter((reader) => !readers.includes(reader))
      const next = applyPatch(text, patch, readers, unable)
      if (next.is !== 'done') return next
      return saveContent({ path, bytes: Buffer.from(next.value, 'latin1'), ifRevision, way }, call, port)
    },

    tidy: () => tidyFile(path, port),
  }
}

function readEntries(text: string, keys: readonly string[], readers: readonly Reader[], path: string): Answer<Entries> {
  const entries: Record<string, Secret> = {}
  const seen = readers.map((reader) => ({ reader, readings: readAll(reader, decode(text)) }))
  const unable = seen.filter(({ readings }) => readings === undefined).map(({ reader }) => reader)
  if (unable.length > 0) return refused('VALUE_UNREADABLE', `${unable.join(', ')} cannot read ${path} as it is`)
  for (const key of keys) {
    const values = new Set(seen.map(({ readings }) => readings?.get(key)).filter((value) => value !== undefined))
    const [value] = values
    if (value === undefined) continue
    if (value === null || values.size > 1) return misread(key, readers)
    entries[key] = new Secret(value)
  }
  return done(entries)
}

function applyPatch(text: string, patch: Patch, readers: readonly Reader[], unable: readonly Reader[]): Answer<string> {
  let next = text
  for (const [key, value] of Object.entries(patch)) {
    const fit: Fit =
      value === null ? fitRemoval(next, key, readers, unable) : fitValue(next, key, value.reveal(), readers, unable)
    if ('unread' in fit) return misread(key, fit.unread)
    next = fit.text
  }
  return done(next)
}

function misread(key: string, readers: readonly Reader[]): Answer<never> {
  return refused('VALUE_UNREADABLE', `${key} for ${readers.join(', ')}`)
}
