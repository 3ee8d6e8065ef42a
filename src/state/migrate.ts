import type { Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Backend } from './backend.ts'
import { migrationsFor, STATE_VERSION, type Tables } from './schema.ts'

/**
 * Takes the tables forward to this keyturn's version, in one transaction; rotations may be open. Of several at once one does it.
 * Throws STATE_NEWER, before anything is changed, when a newer keyturn has been here.
 */
export async function migrate({ db, kind, version: keeper }: Backend): Promise<void> {
  const { sql } = await import('kysely')
  if ((await versionOf(keeper.read(db))) === STATE_VERSION) return
  await db.transaction().execute(async (tx: Kysely<Tables>) => {
    await keeper.begin(tx)
    for (let from = await versionOf(keeper.read(tx)); from < STATE_VERSION; from += 1) {
      for (const statement of migrationsFor(kind)[from] ?? []) await sql.raw(statement).execute(tx)
    }
    await keeper.write(tx, STATE_VERSION)
  })
}

async function versionOf(read: Promise<number>): Promise<number> {
  const version = await read
  if (version > STATE_VERSION) throw new KeyturnError('STATE_NEWER', `version ${version}, this keyturn knows ${STATE_VERSION}`)
  return version
}
