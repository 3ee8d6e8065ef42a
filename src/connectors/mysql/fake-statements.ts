import { nativeHash } from './verifier.ts'
import { Secret } from '../../kit/index.ts'

/** An account of the fake, as mysql.user keeps it. */
export interface FakeAccount {
  readonly user: string
  readonly host: string
  plugin: string
  kept: string
  /** Of the second password; undefined when there is none. */
  second: string | undefined
  locked: boolean
  metadata: Record<string, Record<string, unknown>>
  /** `GRANT ... ON ...` without whom it is for. */
  grants: string[]
}

/** An error as the server answers it. */
export class FakeError extends Error {
  readonly errno: number

  constructor(errno: number) {
    super(`error ${errno}`)
    this.errno = errno
  }
}

export type Rows = readonly Readonly<Record<string, string | number | null>>[]

const SPEC = / ?'((?:[^']|'')*)'@'((?:[^']|'')*)'(?: IDENTIFIED WITH '(\w+)' (AS|BY) (?:'([^']*)'|0x([0-9A-F]+)))?( RETAIN CURRENT PASSWORD)?( DISCARD OLD PASSWORD)?(,)?/y

/**
 * The statements about accounts, with the meaning that MySQL 8.0 gives them: a new password leaves the second one as it is, RETAIN makes
 * the first one the second, ATTRIBUTE is merged into what is there, and null takes a key away. Each is carried out for all accounts that
 * it names, or for none.
 * https://dev.mysql.com/doc/refman/8.0/en/alter-user.html, https://dev.mysql.com/doc/refman/8.0/en/password-management.html#dual-passwords
 */
export function openAccounts(): {
  readonly all: FakeAccount[]
  find(user: string, host: string): FakeAccount | undefined
  /** The rows of the answer; undefined for a statement that is not about accounts. Throws {@link FakeError}. */
  run(sql: string): Rows | undefined
} {
  const all: FakeAccount[] = []
  const find = (user: string, host: string): FakeAccount | undefined => all.find((one) => one.user === user && one.host === host)

  function specsOf(sql: string, from: number): { readonly specs: readonly RegExpExecArray[]; readonly tail: string } {
    const specs: RegExpExecArray[] = []
    SPEC.lastIndex = from
    for (let more = true; more;) {
      const spec = SPEC.exec(sql)
      if (spec === null) throw new FakeError(1064)
      specs.push(spec)
      more = spec[9] !== undefined
      if (!more) return { specs, tail: sql.slice(spec.index + spec[0].length) }
    }
    throw new FakeError(1064)
  }

  function named(spec: RegExpExecArray): FakeAccount {
    const found = find(spec[1] ?? '', spec[2] ?? '')
    if (found === undefined) throw new FakeError(1396)
    return found
  }

  function alter(account: FakeAccount, spec: RegExpExecArray, tail: string): void {
    const [, , , plugin, , text, hex, retain, discard] = spec
    if (plugin !== undefined) {
      if (retain !== undefined) account.second = account.kept
      account.plugin = plugin
      if (spec[4] === 'BY') account.kept = nativeHash(new Secret(text ?? ''))
      else account.kept = text ?? Buffer.from(hex ?? '', 'hex').toString()
    }
    if (discard !== undefined) account.second = undefined
    const lock = / ACCOUNT (UN)?LOCK$/.exec(tail)
    if (lock !== null) account.locked = lock[1] === undefined
    const attribute = /ATTRIBUTE '(.*)'$/.exec(tail)?.[1]
    const patch = attribute === undefined ? {} : (JSON.parse(attribute) as FakeAccount['metadata'])
    for (const [key, values] of Object.entries(patch)) {
      const merged = Object.entries({ ...account.metadata[key], ...values }).filter(([, value]) => value !== null)
      account.metadata[key] = Object.fromEntries(merged)
    }
  }

  function run(sql: string): Rows | undefined {
    if (sql.startsWith('ALTER USER')) {
      const { specs, tail } = specsOf(sql, 'ALTER USER'.length)
      const accounts = specs.map(named)
      for (const [at, account] of accounts.entries()) alter(account, specs[at] ?? specs[0] as RegExpExecArray, tail)
      return []
    }
    if (sql.startsWith('CREATE USER')) {
      const { specs: [spec], tail } = specsOf(sql, 'CREATE USER'.length)
      if (spec === undefined || find(spec[1] ?? '', spec[2] ?? '') !== undefined) throw new FakeError(1396)
      const made: FakeAccount = { user: spec[1] ?? '', host: spec[2] ?? '', plugin: '', kept: '', second: undefined, locked: false, metadata: {}, grants: [] }
      all.push(made)
      alter(made, spec, tail)
      return []
    }
    if (sql.startsWith('DROP USER')) {
      for (const account of specsOf(sql, 'DROP USER'.length).specs.map(named)) all.splice(all.indexOf(account), 1)
      return []
    }
    const [, granted, user = '', host = ''] = /^(GRANT .* ON .*|REVOKE ALL PRIVILEGES, GRANT OPTION) (?:TO|FROM) '([^']*)'@'([^']*)'/.exec(sql) ?? []
    if (granted !== undefined) {
      const account = find(user, host)
      if (account === undefined) throw new FakeError(granted.startsWith('GRANT') ? 1410 : 1269)
      account.grants = granted.startsWith('GRANT') ? [...account.grants, granted] : []
      return []
    }
    const [, shown, by = '', at = ''] = /^SHOW (GRANTS|CREATE USER)(?: FOR)? '([^']*)'@'([^']*)'$/.exec(sql) ?? []
    return shown === undefined ? undefined : show(shown, find(by, at))
  }

  function show(what: string, account: FakeAccount | undefined): Rows {
    if (account === undefined) throw new FakeError(what === 'GRANTS' ? 1141 : 1396)
    const name = `\`${account.user}\`@\`${account.host}\``
    if (what === 'GRANTS') return [`GRANT USAGE ON *.*`, ...account.grants].map((grant) => ({ grants: `${grant} TO ${name}` }))
    return [{
      created: `CREATE USER ${name} IDENTIFIED WITH '${account.plugin}' AS '${account.kept}' REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT ${account.locked ? '' : 'UN'}LOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT`,
    }]
  }
  return { all, find, run }
}
