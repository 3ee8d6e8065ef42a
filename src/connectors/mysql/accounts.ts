import type { AdminSession } from './admin.ts'
import type { Account } from './quote.ts'

/** What the server keeps of an account. */
export interface AccountState extends Account {
  readonly plugin: string
  readonly locked: boolean
  /** What is kept instead of the password: for comparing only. */
  readonly kept: string
  /** MariaDB only: more than one way to log in. */
  readonly several: boolean
}

interface Row {
  readonly user: string
  readonly host: string
  readonly plugin: string | null
  readonly kept: string | null
  readonly locked: string | number | null
  readonly several: string | number | null
}

const TABLES = {
  mariadb: `SELECT User AS user, Host AS host, JSON_VALUE(Priv, '$.plugin') AS plugin, JSON_VALUE(Priv, '$.authentication_string') AS kept,
    JSON_VALUE(Priv, '$.account_locked') AS locked, JSON_EXISTS(Priv, '$.auth_or') AS several FROM mysql.global_priv
    WHERE COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) = 0 AND User IN (?)`,
  mysql: `SELECT User AS user, Host AS host, plugin, CONVERT(authentication_string USING utf8mb4) AS kept, account_locked AS locked,
    0 AS several FROM mysql.user WHERE User IN (?)`,
} as const

/** The accounts of these users, in the order of their hosts. MySQL and MariaDB tell users apart by case, so does this. */
export async function readAccounts(session: AdminSession, users: readonly string[]): Promise<readonly AccountState[]> {
  const rows = await session.query<Row>(TABLES[session.flavour], [users])
  return rows
    .filter(({ user }) => users.includes(user))
    .map(({ user, host, plugin, kept, locked, several }) => ({
      user, host, plugin: plugin ?? 'mysql_native_password', kept: kept ?? '',
      locked: locked === 'Y' || locked === 1 || locked === '1' || locked === 'true', several: Number(several) === 1,
    }))
    .toSorted((one, other) => (one.host < other.host ? -1 : 1))
}

/** Those of one user. */
export function accountsOf(accounts: readonly AccountState[], user: string): readonly AccountState[] {
  return accounts.filter((one) => one.user === user)
}
