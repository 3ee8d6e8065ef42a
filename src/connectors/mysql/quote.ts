/** A string literal of SQL; the session's sql_mode has neither NO_BACKSLASH_ESCAPES nor ANSI_QUOTES. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** One account: a name and the hosts from which it is for. */
export interface Account {
  readonly user: string
  readonly host: string
}

/** As statements name an account: `'app'@'%'`. */
export function accountName({ user, host }: Account): string {
  return `${literal(user)}@${literal(host)}`
}

/** Several of them, with commas between. */
export function accountNames(accounts: readonly Account[]): string {
  return accounts.map(accountName).join(', ')
}
