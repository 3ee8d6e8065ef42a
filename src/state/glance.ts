import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { STATE_FILE } from './open.ts'

/**
 * The open rotations of one system and environment with their secrets, newest first: read as the file is, without migrating it,
 * without the identity and without a query builder, for completion. Empty when there is no state, and for one in a database:
 * asking that takes longer than somebody who types waits. Throws what SQLite throws.
 */
export function glanceAtOpen(folder: string, of: { readonly system: string; readonly environment: string }): { readonly id: string; readonly secret: string }[] {
  const file = join(folder, STATE_FILE)
  if (!existsSync(file)) return []
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const rows = database.prepare('select id, secret from rotation where result is null and system = ? and environment = ? order by opened_at desc').all(of.system, of.environment)
    return rows.map((row) => ({ id: String(row['id']), secret: String(row['secret']) }))
  } finally {
    database.close()
  }
}

/** The version of the state in this folder, without bringing it forward; 0 when its first tables were never made. Throws what SQLite throws. */
export function glanceAtVersion(folder: string): number {
  const database = new DatabaseSync(join(folder, STATE_FILE), { readOnly: true })
  try {
    return Number(database.prepare('pragma user_version').get()?.['user_version'] ?? 0)
  } finally {
    database.close()
  }
}
