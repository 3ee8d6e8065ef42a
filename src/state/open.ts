import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { KeyturnError, reduceCause } from '../kit/error.ts'
import type { Commit } from './commit.ts'
import { keepApart, openFolder } from './folder.ts'
import { createIdentity, type Identity, readIdentity } from './identity.ts'
import { MIGRATIONS, STATE_VERSION, type Tables } from './schema.ts'
import { openSqlite } from './sqlite.ts'

/** An open state: the database and, where it was asked for, the identity that opens its sealed values. */
export interface State {
  readonly folder: string
  readonly db: Kysely<Tables>
  /** Several statements in one durable transaction. */
  readonly commit: Commit
  /** PEM of the key that signs its receipts; known without the identity. */
  readonly publicKey: string
  /** Present unless the state was opened without (`status`, `history`). */
  readonly identity?: Identity
  close(): Promise<void>
}

/** The name of the database inside the state folder. */
export const STATE_FILE = 'keyturn.db'

/**
 * Opens a state, making it (and its identity) on first use when `create` is set.
 * Throws STATE_UNSAFE, STATE_NEWER, IDENTITY_MISSING, IDENTITY_WRONG or IDENTITY_UNSAFE, each before anything is changed.
 */
export async function openState(folder: string, identityFile: string | undefined, create = false): Promise<State> {
  const file = join(folder, STATE_FILE)
  const fresh = !existsSync(file)
  if (fresh && !create) throw new KeyturnError('ROTATION_UNKNOWN', `${folder} holds no state yet`)
  if (identityFile !== undefined) keepApart(identityFile, folder)
  const identity = await prepare(folder, identityFile, fresh)
  const { db, commit } = await openSqlite(file)
  try {
    await migrate(db)
    const publicKey = await bindIdentity(db, identity)
    return { folder, db, commit, publicKey, ...(identity === undefined ? {} : { identity }), close: () => db.destroy() }
  } catch (thrown) {
    await db.destroy()
    throw stateError(thrown)
  }
}

/** The folder, the identity and an empty file for the database, each closed to others before anything is in it. */
async function prepare(folder: string, identityFile: string | undefined, fresh: boolean): Promise<Identity | undefined> {
  try {
    openFolder(folder)
    const identity = identityFile === undefined ? undefined : await identityFor(identityFile, fresh)
    // SQLite gives the files beside it the mode that this one has.
    if (fresh) closeSync(openSync(join(folder, STATE_FILE), 'a', 0o600))
    return identity
  } catch (thrown) {
    throw stateError(thrown)
  }
}

/** A full disk or a locked database in keyturn's words; everything else as it is. */
export function stateError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof KeyturnError) return thrown
  if ('code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT' || thrown.code === 'EROFS')) {
    return new KeyturnError('STATE_FULL', thrown.code === 'EROFS' ? 'the disk does not take it' : 'the disk is full', { cause: thrown })
  }
  if (/disk is full|disk I\/O error|readonly database|unable to open/.test(thrown.message)) {
    return new KeyturnError('STATE_FULL', thrown.message.includes('full') ? 'the disk is full' : 'the disk does not take it', { cause: thrown })
  }
  if (/database is locked|busy/.test(thrown.message)) return new KeyturnError('LOCKED', 'the state is being written by another run', { cause: thrown })
  return reduceCause(thrown).name === 'Error' ? new KeyturnError('INTERNAL', 'the state answered with an error', { cause: thrown }) : thrown
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

async function migrate(db: Kysely<Tables>): Promise<void> {
  const { sql } = await import('kysely')
  const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(db)
  const version = rows[0]?.user_version ?? 0
  if (version > STATE_VERSION) throw new KeyturnError('STATE_NEWER', `version ${version}, this keyturn knows ${STATE_VERSION}`)
  if (version === STATE_VERSION) return
  await db.transaction().execute(async (tx) => {
    const again = await sql<{ user_version: number }>`pragma user_version`.execute(tx)
    for (let from = again.rows[0]?.user_version ?? 0; from < STATE_VERSION; from += 1) {
      for (const statement of MIGRATIONS[from] ?? []) await sql.raw(statement).execute(tx)
    }
    await sql.raw(`pragma user_version = ${STATE_VERSION}`).execute(tx)
  })
}

/** Remembers whose state it is, so that another identity is told before it seals a value that nobody can open. */
async function bindIdentity(db: Kysely<Tables>, identity: Identity | undefined): Promise<string> {
  const rows = await db.selectFrom('meta').selectAll().execute()
  const meta = Object.fromEntries(rows.map((row) => [row.key, row.value]))
  if (identity === undefined) return meta['public_key'] ?? ''
  if (meta['recipient'] === undefined) {
    const values = [{ key: 'recipient', value: identity.recipient }, { key: 'public_key', value: identity.publicKey }]
    await db.insertInto('meta').values(values).onConflict((oc) => oc.doNothing()).execute()
    return identity.publicKey
  }
  if (meta['recipient'] !== identity.recipient) throw new KeyturnError('IDENTITY_WRONG', `the state belongs to ${meta['recipient']}`)
  return identity.publicKey
}
