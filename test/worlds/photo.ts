import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Scenery } from '../../demo/scenery.ts'

/** Everything that a rotation could have changed; two photos that are equal say that nothing was. */
export interface Photo {
  /** Every column of pg_authid, the password's verifier among them. */
  readonly roles: readonly unknown[]
  readonly settings: readonly unknown[]
  readonly members: readonly unknown[]
  /** Content and mode of the env file, and what lies beside it. */
  readonly store: string
  readonly mode: number
  readonly beside: readonly string[]
  /** Rotations that are open. */
  readonly open: readonly string[]
}

/** Takes a photo of the roles of this stage, its store and its open rotations. */
export async function photograph(stage: Scenery): Promise<Photo> {
  const ours = `starts_with(r.rolname, '${stage.database.name}')`
  return {
    roles: await stage.database.admin(`select to_jsonb(r) as role from pg_authid r where ${ours} order by r.rolname`),
    settings: await stage.database.admin(
      `select r.rolname, s.setdatabase, s.setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where ${ours} order by 1, 2`),
    members: await stage.database.admin(
      `select r.rolname, m.roleid::regrole::text as of, m.admin_option from pg_auth_members m join pg_roles r on r.oid = m.member where ${ours} order by 1, 2`),
    store: readFileSync(stage.envFile, 'latin1'),
    mode: statSync(stage.envFile).mode,
    beside: readdirSync(dirname(stage.envFile)).filter((name) => name.startsWith('.env')),
    open: openRotations(stage.folder),
  }
}

function openRotations(folder: string): string[] {
  const file = join(folder, '.keyturn', 'keyturn.db')
  if (!existsSync(file)) return []
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    // A state whose first tables did not fit has none.
    if (db.prepare(`select 1 from sqlite_master where name = 'rotation'`).get() === undefined) return []
    return db.prepare('select id from rotation where result is null order by id').all().map((row) => String(row['id']))
  } finally {
    db.close()
  }
}
