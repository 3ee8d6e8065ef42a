import { type Account, accountName } from './quote.ts'

/** What an account may do and how it may log in, as statements that give the same to another one. */
export interface Equal {
  /** Of CREATE USER and ALTER USER: REQUIRE, WITH MAX_..., PASSWORD EXPIRE ..., without password and lock. */
  readonly attributes: string
  /** GRANT, REVOKE (partial revokes) and SET DEFAULT ROLE, in the server's own order. */
  readonly grants: readonly string[]
}

const QUOTED = /`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"/gs
const NAME = String.raw`(?:\`(?:[^\`]|\`\`)*\`|'(?:[^'\\]|''|\\.)*')`
const ACCOUNT = new RegExp(String.raw` (TO|FOR|FROM) ${NAME}@${NAME}`, 'g')

/** The statement with everything in quotes blotted out, character by character: what is left are the words of SQL. */
function wordsOf(statement: string): string {
  return statement.replaceAll(QUOTED, (quoted) => 'q'.repeat(quoted.length))
}

/**
 * A line of SHOW GRANTS for another account: only the account that gets it is replaced, names of objects stay as they are. MariaDB
 * repeats the password and the limits of the account in it; they are left out.
 * https://mariadb.com/kb/en/show-grants/, https://dev.mysql.com/doc/refman/8.4/en/show-grants.html
 */
export function retarget(line: string, to: Account): string {
  const found = [...line.matchAll(ACCOUNT)].at(-1)
  if (found === undefined) throw new Error('a line of SHOW GRANTS names no account')
  const rest = line.slice(found.index + found[0].length)
  const option = /\b(GRANT|ADMIN) OPTION\b/.exec(wordsOf(rest))?.[1]
  return `${line.slice(0, found.index)} ${found[1]} ${accountName(to)}${option === undefined ? '' : ` WITH ${option} OPTION`}`
}

const ATTRIBUTES = / (?:REQUIRE|WITH MAX_\w+|DEFAULT ROLE|ACCOUNT|PASSWORD (?:EXPIRE|HISTORY|REUSE|REQUIRE)|FAILED_LOGIN_ATTEMPTS|COMMENT|ATTRIBUTE) /

/** The attributes in what SHOW CREATE USER shows, and the default roles of MySQL, which stand among them. */
export function readAttributes(shown: string): { readonly attributes: string; readonly defaultRole?: string } {
  const padded = `${shown} `
  const from = ATTRIBUTES.exec(wordsOf(padded))?.index
  if (from === undefined) return { attributes: '' }
  let text = padded.slice(from)
  const cut = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(wordsOf(text))
    if (found === null) return undefined
    const taken = text.slice(found.index, found.index + found[0].length)
    text = text.slice(0, found.index) + text.slice(found.index + found[0].length)
    return taken.trim()
  }
  const defaultRole = cut(/ DEFAULT ROLE q+@q+(?:,\s*q+@q+)*(?= )/)
  cut(/ ACCOUNT (?:UN)?LOCK(?= )/)
  // The mark of a password that has run out already, which belongs to the password.
  cut(/ PASSWORD EXPIRE(?= (?!INTERVAL|NEVER|DEFAULT))/)
  return { attributes: text.trim(), ...(defaultRole === undefined ? {} : { defaultRole }) }
}

/** Whether a line of SHOW GRANTS makes somebody a member of a role; these do not end with REVOKE ALL PRIVILEGES. */
export function isRoleGrant(line: string): boolean {
  return /^GRANT (?:q+(?:@q+)?(?:,\s*)?)+ TO /.test(wordsOf(line))
}

/** The statement that takes a role of a line of SHOW GRANTS away from an account again. */
export function revokeRole(line: string, from: Account): string {
  const words = wordsOf(line)
  return `REVOKE ${line.slice('GRANT '.length, words.indexOf(' TO '))} FROM ${accountName(from)}`
}
