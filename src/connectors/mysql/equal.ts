import type { AdminSession } from './admin.ts'
import { type Equal, isRoleGrant, readAttributes, retarget, revokeRole } from './grants.ts'
import { type Account, accountName } from './quote.ts'

/** The lines of SHOW GRANTS. */
export async function showGrants(session: AdminSession, of: Account | 'CURRENT_USER'): Promise<readonly string[]> {
  const rows = await session.query(`SHOW GRANTS FOR ${of === 'CURRENT_USER' ? 'CURRENT_USER()' : accountName(of)}`)
  return rows.flatMap((row) => Object.values(row).map(String))
}

/** What SHOW CREATE USER shows. It holds what the server keeps of the password, so it goes no further than to what cuts that out. */
export async function showCreate(session: AdminSession, of: Account): Promise<string> {
  const [row] = await session.query(`SHOW CREATE USER ${accountName(of)}`)
  return String(Object.values(row ?? {})[0] ?? '')
}

/** What makes `to` the equal of `from`. */
export async function readEqual(session: AdminSession, from: Account, to: Account): Promise<Equal> {
  const { attributes, defaultRole } = readAttributes(await showCreate(session, from))
  // USAGE is no right, and to give it takes one on everything.
  const shown = (await showGrants(session, from)).filter((line) => !line.startsWith('GRANT USAGE ON '))
  const grants = shown.filter((line) => !isStaleDefault(line, shown)).map((line) => retarget(line, to))
  return { attributes, grants: [...grants, ...(defaultRole === undefined ? [] : [`ALTER USER ${accountName(to)} ${defaultRole}`])] }
}

/**
 * The statements that take from an account the roles that its equal does not have. MariaDB takes all of them with REVOKE ALL
 * PRIVILEGES, MySQL none: so this is read after it.
 */
export async function rolesToTake(session: AdminSession, account: Account, equal: Equal): Promise<readonly string[]> {
  const shown = await showGrants(session, account)
  const roles = shown.filter(isRoleGrant).filter((line) => !equal.grants.includes(retarget(line, account)))
  const defaults = shown.some((line) => line.startsWith('SET DEFAULT ROLE')) ? [`SET DEFAULT ROLE NONE FOR ${accountName(account)}`] : []
  return [...defaults, ...roles.map((line) => revokeRole(line, account))]
}

/** MariaDB goes on showing a default role that the account has no more; to set it is an error. */
function isStaleDefault(line: string, shown: readonly string[]): boolean {
  const role = /^SET DEFAULT ROLE (.+) FOR /.exec(line)?.[1]
  return role !== undefined && !shown.some((one) => one.startsWith(`GRANT ${role} TO `))
}
