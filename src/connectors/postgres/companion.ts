import type { Role, Setting } from './role.ts'
import { identifier, literal } from './quote.ts'

/** What the admin may hand on. */
export interface Giver {
  readonly superuser: boolean
  readonly createDb: boolean
  readonly createRole: boolean
  readonly replication: boolean
  readonly bypassRls: boolean
  /** Whether it can see and end sessions of any role. */
  readonly watches: boolean
}

const given = ['createDb', 'createRole', 'replication', 'bypassRls'] as const

/**
 * The statements that make the companion an equal of the original role, without its login: created if absent, a member of the
 * original that takes its role on at login, so that what either of them makes belongs to the original, and every right,
 * membership and row policy is the original's own. What counts for the role that logs in is copied: attributes (as far as the
 * admin may), the connection limit, settings. Repeatable.
 * https://www.postgresql.org/docs/current/role-membership.html, https://www.postgresql.org/docs/current/sql-grant.html
 */
export function equalise(
  original: Role, companion: string, existing: Role | undefined, settings: readonly Setting[], giver: Giver, version: number,
): readonly string[] {
  const name = identifier(companion)
  const attributes = [
    ...given
      .filter((one) => original[one] !== (existing?.[one] ?? false) && mayGive(giver, one, version))
      .map((one) => `${original[one] ? '' : 'NO'}${one.toUpperCase()}`),
    // before 16 the attribute decides whether the companion has the rights of the original when it connects to a database
    original.inherit || version < 160_000 ? 'INHERIT' : 'NOINHERIT',
    `CONNECTION LIMIT ${original.connectionLimit}`,
    `VALID UNTIL 'infinity'`,
  ]
  const inheriting = version >= 160_000 ? ' WITH INHERIT TRUE' : ''
  const options = version >= 160_000 ? ' WITH INHERIT TRUE, SET TRUE' : ''
  return [
    ...(existing === undefined ? [`CREATE ROLE ${name} NOLOGIN`] : []),
    // it has the rights of the original already, so this gives it no more; without it, it could not end the companion's sessions
    ...(existing === undefined && !giver.watches ? [`GRANT ${name} TO CURRENT_USER${inheriting}`] : []),
    `ALTER ROLE ${name} ${attributes.join(' ')}`,
    `GRANT ${identifier(original.name)} TO ${name}${options}`,
    `ALTER ROLE ${name} RESET ALL`,
    ...settings.map((setting) => copySetting(companion, setting)),
    `ALTER ROLE ${name} SET role = ${literal(original.name)}`,
  ]
}

/** Whether the admin may give an attribute: since 16 one needs to have it oneself, before CREATEROLE gave the first two. */
export function mayGive(giver: Giver, attribute: (typeof given)[number], version: number): boolean {
  if (giver.superuser) return true
  return version >= 160_000 ? giver[attribute] : attribute === 'createDb' || attribute === 'createRole'
}

// the parameters whose value is a list of names, from guc_tables.c (GUC_LIST_QUOTE); pg_dumpall keeps the same list
const lists = new Set([
  'local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries', 'temp_tablespaces',
  'unix_socket_directories',
])

/** One setting of the original, for the companion. */
function copySetting(role: string, setting: Setting): string {
  const where = setting.database === undefined ? '' : ` IN DATABASE ${identifier(setting.database)}`
  const parameter = setting.name.split('.').map(identifier).join('.')
  const value = lists.has(setting.name.toLowerCase()) ? splitNames(setting.value).map(literal).join(', ') : literal(setting.value)
  return `ALTER ROLE ${identifier(role)}${where} SET ${parameter} = ${value === '' ? "''" : value}`
}

/** The names in a list such as `"$user", public`. */
function splitNames(list: string): readonly string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map((match) => match[2] ?? (match[1] ?? '').replaceAll('""', '"'))
}
