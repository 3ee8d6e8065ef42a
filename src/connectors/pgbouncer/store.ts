import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries, Patch, Store } from '../../kit/store.ts'
import { canonical, disk, type FilePort, inspectPlace, loadContent, locate, saveContent, tidyFile } from '../../outside/file/index.ts'
import type { StoreConfig } from './manifest.ts'
import { admit, currentOf, cut, expel, isHash, join, type Piece, rolesOf } from './userlist.ts'

/** PgBouncer reads no longer ones in a file (MAX_PASSWORD of version 1.18, with the zero byte). */
const LONGEST = 2047

/**
 * Opens the auth file of a PgBouncer as a store of the keys `user` and `password`: the newest line of this secret's roles. Lines of
 * others stay byte for byte. Nothing is touched before a method is called.
 */
export function openStore(config: StoreConfig, host: Pick<Host, 'base'>, port: FilePort = disk): Store {
  const path = locate(config.file, host.base)
  const { write: way = 'replace', users = [], dated } = config
  const ours = rolesOf(config)

  async function load(): Promise<Answer<{ readonly pieces: readonly Piece[]; readonly revision: string }>> {
    const now = await loadContent(path, way, port)
    if (now.is !== 'done') return now
    // Read as PgBouncer does, byte for byte.
    const pieces = cut(now.value.bytes.toString('latin1'))
    return pieces === undefined ? refused('STORE_UNFIT', `${path} is no auth file that PgBouncer can read to its end`) : done({ pieces, revision: now.value.revision })
  }

  function misfit(key: string, text: string): string | undefined {
    if (key === 'user') return ours(toLatin(text)) ? undefined : 'it is none of the roles that the store names under `users` or `dated`'
    if (key !== 'password') return 'the keys of this store are `user` and `password`'
    if (isHash(text)) return 'PgBouncer would take it for the hash of a password'
    if (/\p{Cc}/u.test(text) || !text.isWellFormed()) return 'it holds a control character'
    return text !== '' && Buffer.byteLength(text) <= LONGEST ? undefined : `it has not 1 to ${LONGEST} bytes`
  }

  function accepts(patch: Patch): Answer<void> {
    for (const [key, value] of Object.entries(patch)) {
      const why = value === null ? undefined : misfit(key, value.reveal())
      if (why !== undefined) return refused('VALUE_UNREADABLE', `${key}: ${why}`)
    }
    return done(undefined)
  }

  return {
    traits: { read: 'value', cas: true, local: true, keys: 'fixed' },
    identity: () => resourceKey('store', 'pgbouncer', canonical(path), ...[...users, ...(dated === undefined ? [] : [`${dated}_*`])].sort()),
    title: () => `pgbouncer ${path}`,

    preflight: async (call) => {
      const place = await inspectPlace(path, way, port, call)
      if (place.is !== 'done') return place
      const now = await load()
      if (now.is !== 'done') return now
      const read = readLine(now.value.pieces, ours, path)
      return read.is === 'done' ? done({ notices: place.value.notices }) : read
    },

    read: async (keys) => {
      const now = await load()
      if (now.is !== 'done') return now
      const all = readLine(now.value.pieces, ours, path)
      if (all.is !== 'done') return all
      const entries = Object.fromEntries(Object.entries(all.value).filter(([key]) => keys.includes(key)))
      return done({ entries, revision: now.value.revision })
    },

    accepts,

    write: async (patch, ifRevision, call) => {
      const fits = accepts(patch)
      if (fits.is !== 'done') return fits
      const now = await load()
      if (now.is !== 'done') return now
      const { pieces, revision } = now.value
      if (revision !== ifRevision) return refused('CONFLICT', path)
      const next = patched(pieces, patch, ours, path)
      if (next.is !== 'done') return next
      return saveContent({ path, bytes: Buffer.from(join(next.value), 'latin1'), ifRevision, way }, call, port)
    },

    tidy: () => tidyFile(path, port),
  }
}

function readLine(pieces: readonly Piece[], ours: (user: string) => boolean, path: string): Answer<Entries> {
  const line = currentOf(pieces, ours)
  if (line === undefined) return done({})
  if (isHash(line.secret)) {
    const why = 'has the hash of a password, from which no password can be read: write the password in its place and restart PgBouncer once (after a RELOAD alone it keeps the keys of the hash), or use `verifiers` of the consumer, or auth_query, and no store'
    return refused('STORE_UNFIT', `the line of ${fromLatin(line.user)} in ${path} ${why}`)
  }
  return done({ user: new Secret(fromLatin(line.user)), password: new Secret(fromLatin(line.secret)) })
}

function patched(pieces: readonly Piece[], patch: Patch, ours: (user: string) => boolean, path: string): Answer<readonly Piece[]> {
  const { user, password } = patch
  // A line is both or nothing.
  if (user === null || password === null) return done(expel(pieces, ours))
  const before = currentOf(pieces, ours)
  const name = user === undefined ? before?.user : toLatin(user.reveal())
  const secret = password === undefined ? before?.secret : toLatin(password.reveal())
  if (name === undefined && secret === undefined) return done(pieces)
  if (name === undefined || secret === undefined) return refused('STORE_UNFIT', `${path} has no line of this secret yet: bind both, user and password`)
  return done(admit(pieces, ours, name, secret))
}

function toLatin(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function fromLatin(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
