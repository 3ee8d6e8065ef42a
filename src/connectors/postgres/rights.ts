import { type AdminSession, mayFence } from './admin.ts'
import { type Giver, mayGive } from './companion.ts'
import type { Pair } from './pair.ts'
import type { Role, Setting } from './role.ts'

/** What the admin is and may do. */
export interface Rights extends Giver {
  readonly admin: string
  readonly fences: boolean
  /** The roles of the pair over which it has ADMIN OPTION (a superuser: all). */
  readonly administers: readonly string[]
  /** The roles of the pair whose privileges it has. */
  readonly inherits: readonly string[]
  readonly mayRead: boolean
  readonly maySignal: boolean
}

/** Reads the rights of the admin of this session over the pair. */
export async function readRights(session: AdminSession, pair: Pair): Promise<Rights> {
  const [row] = await session.query<Omit<Rights, 'watches' | 'administers' | 'inherits'>>(
    `SELECT rolname AS admin, rolsuper AS superuser, rolcreatedb AS "createDb", rolcreaterole AS "createRole",
            rolreplication AS replication, rolbypassrls AS "bypassRls", ${mayFence(session.version)} AS fences,
            pg_has_role('pg_read_all_stats', 'USAGE') AS "mayRead", pg_has_role('pg_signal_backend', 'USAGE') AS "maySignal"
     FROM pg_roles WHERE rolname = current_user`,
  )
  if (row === undefined) throw new Error('current_user is not in pg_roles')
  const over = await session.query<{ name: string; administers: boolean; inherits: boolean }>(
    `SELECT rolname AS name, pg_has_role(oid, 'MEMBER WITH ADMIN OPTION') AS administers, pg_has_role(oid, 'USAGE') AS inherits
     FROM pg_roles WHERE rolname = ANY ($1::name[])`,
    [pair.all],
  )
  return {
    ...row,
    watches: row.mayRead && row.maySignal,
    administers: over.filter((one) => one.administers).map((one) => one.name),
    inherits: over.filter((one) => one.inherits).map((one) => one.name),
  }
}

/** Every right that this rotation needs and the admin lacks, named as one would grant it. Empty: all there. */
export function missingRights(
  rights: Rights, pair: Pair, roles: ReadonlyMap<string, Role>, deniedSettings: readonly Setting[], version: number,
): readonly string[] {
  if (rights.superuser) return []
  const existing = pair.all.filter((role) => roles.has(role))
  const original = roles.get(pair.original)
  if (original?.superuser === true) return [`SUPERUSER (${pair.original} is one)`]
  const unadministered = version < 160_000 ? [] : existing.filter((role) => !rights.administers.includes(role))
  const unwatched = existing.filter((role) => !rights.inherits.includes(role))
  return [
    ...(rights.createRole ? [] : ['CREATEROLE']),
    ...unadministered.map((role) => `ADMIN OPTION on ${role}`),
    ...(version < 160_000 && original?.replication === true ? [`SUPERUSER (${pair.original} has REPLICATION)`] : []),
    ...(rights.mayRead || unwatched.length === 0 ? [] : ['membership in pg_read_all_stats']),
    ...(pair.strategy === 'in-place' || rights.maySignal || unwatched.length === 0 ? [] : ['membership in pg_signal_backend']),
    ...(pair.strategy !== 'in-place' && original !== undefined && original.replication
        && roles.get(pair.companion)?.replication !== true && !mayGive(rights, 'replication', version)
      ? ['REPLICATION'] : []),
    ...new Set(deniedSettings.map((setting) => `SET ON PARAMETER ${setting.name}`)),
  ]
}

/** Those of the settings that this admin may not set for another role. */
export async function denied(session: AdminSession, settings: readonly Setting[]): Promise<readonly Setting[]> {
  if (settings.length === 0) return []
  const granted = session.version >= 150_000 ? `OR has_parameter_privilege(wanted.name, 'SET')` : ''
  const rows = await session.query<{ name: string }>(
    `SELECT wanted.name FROM unnest($1::text[]) AS wanted (name)
     WHERE NOT ((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                OR EXISTS (SELECT FROM pg_settings s WHERE lower(s.name) = lower(wanted.name) AND s.context = 'user')
                ${granted})`,
    [settings.map((setting) => setting.name)],
  )
  return settings.filter((setting) => rows.some((row) => row.name === setting.name))
}
