import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { KeyturnError, reduceCause } from '../kit/error.ts'
import { createIdentity, type Identity, readIdentity } from '../sealing/identity.ts'
import type { Backend } from './backend.ts'
import { stateError } from './error.ts'
import { keepApart, openFolder } from './folder.ts'
import { bindIdentity, readMeta } from './meta.ts'
import { migrate } from './migrate.ts'
import { readMoves, refuseMoved } from './moved.ts'
import { type DatabasePlace, nameOfPlace, type StatePlace } from './place.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/** An open state: the database and, where it was asked for, the identity that opens its sealed values. */
export interface State extends Omit<Backend, 'version'> {
  /**
   * On this machine, 0700: the locks of child processes, and in a state that is a folder everything else. Of a database that was opened
   * only to look it may not be there.
   */
  readonly folder: string
  /** How it is called in messages; holds no credential. */
  readonly name: string
  /** PEM of the key that signs its receipts; known without the identity. */
  readonly publicKey: string
  /** Present unless the state was opened without (`status`, `history`). */
  readonly identity?: Identity
}

/** The name of the database inside a state folder. */
export const STATE_FILE = 'keyturn.db'

/**
 * Opens a state, making it (and its identity) on first use when `create` is set; without an identity file only to look.
 * Throws STATE_UNSAFE, STATE_NEWER, IDENTITY_MISSING, IDENTITY_WRONG or IDENTITY_UNSAFE, each before anything is changed,
 * STATE_UNREACHABLE when its database does not answer, ROTATION_UNKNOWN when there is no state and none is to be made, and, with
 * an identity file, STATE_MOVED when it is somewhere else now and CLOCK_WRONG when this machine's clock is not that of its database.
 */
export async function openState(place: StatePlace, identityFile: string | undefined, create = false): Promise<State> {
  if (identityFile !== undefined) keepApart(identityFile, typeof place === 'string' ? place : place.host)
  try {
    const state = typeof place === 'string' ? await openInFolder(place, identityFile, create) : await openInDatabase(place, identityFile, create)
    // Looking is allowed everywhere and at any time.
    return identityFile === undefined ? state : await closedUnless(state, async () => {
      refuseMoved(await readMoves(state.db))
      return state
    })
  } catch (thrown) {
    throw stateError(thrown)
  }
}

/** Whether there is a state at this place; looking makes none. Throws STATE_UNREACHABLE. */
export async function stateExists(place: StatePlace): Promise<boolean> {
  if (typeof place === 'string') return existsSync(join(place, STATE_FILE))
  return using(await openPostgres(place.url), async ({ db, version }) => (await version.read(db)) > 0)
}

async function openInFolder(folder: string, identityFile: string | undefined, create: boolean): Promise<State> {
  const file = join(folder, STATE_FILE)
  const fresh = !existsSync(file)
  if (fresh && !create) throw noState(folder)
  openFolder(folder)
  const identity = identityFile === undefined ? undefined : await identityFor(identityFile, fresh)
  // SQLite gives the files beside it the mode that this one has.
  if (fresh) closeSync(openSync(file, 'a', 0o600))
  return closedUnless(await openSqlite(file), async (backend) => {
    await migrate(backend)
    const { publicKey = '' } = (identity === undefined ? (await readMeta(backend.db)).bound : await bindIdentity(backend.db, identity)) ?? {}
    return { ...backend, folder, name: folder, publicKey, ...(identity === undefined ? {} : { identity }) }
  })
}

async function openInDatabase(place: DatabasePlace, identityFile: string | undefined, create: boolean): Promise<State> {
  return closedUnless(await openPostgres(place.url), async (backend) => {
    const made = (await backend.version.read(backend.db)) > 0
    const known = made ? (await readMeta(backend.db)).bound : undefined
    if (known === undefined && !create) throw noState(place)
    // Whoever may change something has to agree with the other machines on what time it is.
    if (identityFile !== undefined) await backend.clock()
    const identity = identityFile === undefined ? undefined : await identityFor(identityFile, known === undefined)
    if (known !== undefined && identity !== undefined && identity.recipient !== known.recipient) throw new KeyturnError('IDENTITY_WRONG', `the state belongs to ${known.recipient}`)
    await migrate(backend)
    const bound = identity === undefined ? known : await bindIdentity(backend.db, identity)
    const folder = bound === undefined ? place.host : join(place.host, bound.id)
    // Looking leaves nothing on this machine.
    if (identity !== undefined) openFolder(folder)
    return { ...backend, folder, name: nameOfPlace(place), publicKey: bound?.publicKey ?? '', ...(identity === undefined ? {} : { identity }) }
  })
}

function noState(place: StatePlace): KeyturnError {
  return new KeyturnError('ROTATION_UNKNOWN', `${nameOfPlace(place)} holds no state yet`)
}

async function closedUnless<B extends Pick<Backend, 'close'>, T>(backend: B, body: (backend: B) => Promise<T>): Promise<T> {
  try {
    return await body(backend)
  } catch (thrown) {
    await backend.close()
    throw thrown
  }
}

async function using<T>(backend: Backend, body: (backend: Backend) => Promise<T>): Promise<T> {
  try {
    return await body(backend)
  } finally {
    await backend.close()
  }
}

async function identityFor(file: string, fresh: boolean): Promise<Identity> {
  if (!fresh || existsSync(file)) return readIdentity(file)
  try {
    return await createIdentity(file)
  } catch (thrown) {
    // Another first run was quicker: the state is bound to that one's.
    if (reduceCause(thrown).code === 'EEXIST') return readIdentity(file)
    throw thrown
  }
}
