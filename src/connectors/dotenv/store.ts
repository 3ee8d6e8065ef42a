import { createHash } from 'node:crypto'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import {
  canonical, disk, fileRefusal, type FilePort, findTarget, isExample, locate, replaceFile, tidyFile,
} from '../../kit/file/index.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries, Patch, Store } from '../../kit/store.ts'
import { decode, type Fit, fitRemoval, fitValue } from './fit.ts'
import type { StoreConfig } from './manifest.ts'
import { inspect } from './preflight.ts'
import { readAll, READERS, type Reader } from './readers/index.ts'

/** Opens an env file as a store. Nothing is touched before a method is called. */
export function openStore(config: StoreConfig, host: Pick<Host, 'base'>, port: FilePort = disk): Store {
  const path = locate(config.file, host.base)
  const declared = config.readers

  /** The file as latin1, one character per byte, and where it is behind its links. */
  async function load(): Promise<Answer<{ text: string; real: string }>> {
    const target = await findTarget(path, port)
    if (target.is !== 'done') return target
    const { real } = target.value
    try {
      return done({ text: (await port.read(real)).toString('latin1'), real })
    } catch (thrown) {
      return fileRefusal(thrown, path)
    }
  }

  /** Those whose reading counts: the declared ones, or all that can read the file as it is. */
  function readersOf(text: string): readonly Reader[] {
    return declared ?? READERS.filter((reader) => readAll(reader, decode(text)) !== undefined)
  }

  return {
    traits: { read: 'value', cas: true, local: true },
    identity: () => resourceKey('store', 'dotenv', canonical(path)),
    title: () => `dotenv ${path}`,
    preflight: (call) => inspect(path, declared, port, call),

    read: async (keys) => {
      const now = await load()
      return now.is === 'done' ? readEntries(now.value.text, keys, readersOf(now.value.text), path) : now
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
      const { text, real } = now.value
      if (isExample(path) || isExample(real)) return refused('STORE_UNSAFE', `${path} is an example by its name`)
      if (revisionOf(text) !== ifRevision) return refused('CONFLICT', path)
      const readers = readersOf(text)
      const unable = (declared ?? READERS).filter((reader) => !readers.includes(reader))
      const next = applyPatch(text, patch, readers, unable)
      if (next.is !== 'done') return next
      return next.value === text ? done({ revision: ifRevision }) : replace(next.value, ifRevision, call)
    },

    tidy: () => tidyFile(path, port),
  }

  async function replace(next: string, ifRevision: string, { signal }: Call): Promise<Answer<{ revision: string }>> {
    const content = Buffer.from(next, 'latin1')
    const still = (current: Buffer): boolean => revisionOf(current.toString('latin1')) === ifRevision
    const replaced = await replaceFile({ path, content, still, signal }, port)
    return replaced.is === 'done' ? done({ revision: revisionOf(next) }) : replaced
  }
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

function readEntries(
  text: string,
  keys: readonly string[],
  readers: readonly Reader[],
  path: string,
): Answer<{ readonly entries: Entries; readonly revision: string }> {
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
  return done({ entries, revision: revisionOf(text) })
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
