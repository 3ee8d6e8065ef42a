import type { Session } from './session.ts'

/** A role as the catalog has it. */
export interface Role {
  readonly name: string
  readonly canLogin: boolean
  readonly superuser: boolean
  readonly createDb: boolean
  readonly createRole: boolean
  readonly inherit: boolean
  readonly replication: boolean
  readonly bypassRls: boolean
  /** -1: no limit. */
  readonly connectionLimit: number
  /** Unix ms; absent when its password never runs out. */
  readonly validUntil?: number
  /** Whether it has no password; absent when this admin may not read that. */
  readonly bare?: boolean
}

/** Reads those of the named roles that exist. */
export async function readRoles(session: Session, names: readonly string[]): Promise<ReadonlyMap<string, Role>> {
  const rows = await session.query<RoleRow>(
    `SELECT rolname AS name, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolreplication, rolbypassrls,
            rolconnlimit, CASE WHEN isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil)::float8 * 1000 END AS until,
            has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS readable
     FROM pg_roles WHERE rolname = ANY ($1::name[])`,
    [names],
  )
  const bare = rows.some((row) => row.readable)
    ? await session.query<{ name: string }>(
        'SELECT rolname AS name FROM pg_authid WHERE rolname = ANY ($1::name[]) AND rolpassword IS NULL', [names])
    : undefined
  return new Map(rows.map((row) => [row.name, {
    name: row.name, canLogin: row.rolcanlogin, superuser: row.rolsuper, createDb: row.rolcreatedb, createRole: row.rolcreaterole,
    inherit: row.rolinherit, replication: row.rolreplication, bypassRls: row.rolbypassrls, connectionLimit: row.rolconnlimit,
    ...(row.until === null ? {} : { validUntil: row.until }),
    ...(bare === undefined ? {} : { bare: bare.some((one) => one.name === row.name) }),
  }]))
}

interface RoleRow {
  readonly name: string
  readonly rolcanlogin: boolean
  readonly rolsuper: boolean
  readonly rolcreatedb: boolean
  readonly rolcreaterole: boolean
  readonly rolinherit: boolean
  readonly rolreplication: boolean
  readonly rolbypassrls: boolean
  readonly rolconnlimit: number
  readonly until: number | null
  readonly readable: boolean
}

/** A setting that a login of the role starts with; `database` is absent where it holds in all of them. */
export interface Setting {
  readonly name: string
  readonly value: string
  readonly database?: string
}

/** The settings made by ALTER ROLE ... [IN DATABASE ...] SET, without those that belong to keyturn (`keyturn.fence`, `role`). */
export async function readSettings(session: Session, role: string): Promise<readonly Setting[]> {
  const rows = await session.query<{ database: string | null; one: string }>(
    `SELECT d.datname AS database, one FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
       LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS one
     WHERE r.rolname = $1 AND (s.setdatabase = 0 OR d.oid IS NOT NULL) ORDER BY 1 NULLS FIRST, 2`,
    [role],
  )
  return rows
    .map(({ database, one }) => ({
      name: one.slice(0, one.indexOf('=')), value: one.slice(one.indexOf('=') + 1), ...(database === null ? {} : { database }),
    }))
    .filter(({ name }) => name !== 'keyturn.fence' && name !== 'role')
}
