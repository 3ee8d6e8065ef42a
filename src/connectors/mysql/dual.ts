import { type Answer, type Call, type CredentialState, type Evidence, type Known, type Observation, done, refused } from '../../kit/index.ts'
import type { AccountState } from './accounts.ts'
import { type AdminSession, change } from './admin.ts'
import { accountName, literal } from './quote.ts'
import type { Principal } from './principal.ts'

/** What a user's accounts hold: MySQL keeps two passwords of each, and beside them what keyturn noted in their attributes. */
interface Dual {
  /** The credential of the first password; absent before keyturn's first mint. */
  readonly now?: string
  /** The credential of the second password, where keyturn made the first. */
  readonly before?: string
  readonly accounts: readonly { readonly user: string; readonly host: string; readonly plugin: string; readonly kept: string; readonly second: string | null }[]
  readonly hasSecond: boolean
}

/** https://dev.mysql.com/doc/refman/8.4/en/grant-tables.html: User_attributes holds `additional_password` and `metadata`. */
async function readDual(session: AdminSession, user: string): Promise<Dual> {
  const rows = await session.query<Dual['accounts'][number] & { readonly now: string | null; readonly before: string | null }>(
    `SELECT User AS user, Host AS host, plugin, HEX(authentication_string) AS kept,
       HEX(JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.additional_password'))) AS second,
       JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.metadata.keyturn.now')) AS now,
       JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.metadata.keyturn.before')) AS \`before\`
     FROM mysql.user WHERE User IN (?)`, [[user]])
  const accounts = rows.filter((row) => row.user === user)
  // One statement notes it for all of them; where they differ, nothing is known.
  const noted = (key: 'now' | 'before'): string | undefined => {
    const [first] = accounts
    const value = first?.[key] ?? null
    return value !== null && accounts.every((one) => one[key] === value) ? value : undefined
  }
  const [now, before] = [noted('now'), noted('before')]
  return {
    accounts, hasSecond: accounts.some(({ second }) => second !== null),
    ...(now === undefined ? {} : { now }), ...(before === undefined ? {} : { before }),
  }
}

/** Why there cannot be a second password; undefined when there can. The dual passwords and attributes are there from MySQL 8.0.21 on. */
export function whyNoDual({ flavour, version }: AdminSession): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split(/[^0-9]+/).map(Number)
  const isNew = major > 8 || (major === 8 && (minor > 0 || patch >= 21))
  if (flavour === 'mysql' && isNew) return undefined
  return `two passwords of one user need MySQL 8.0.21 or newer, this is ${flavour === 'mysql' ? 'MySQL' : 'MariaDB'} ${major}.${minor}.${patch}: use the strategy alternate`
}

/** Whether the second password is somebody else's: keyturn gives no third, which would end it. */
export async function isFull(session: AdminSession, user: string): Promise<boolean> {
  return (await readDual(session, user)).hasSecond
}

/**
 * A new first password for all accounts, the one before it kept as the second, noted in the same statement. Repeated, it changes
 * nothing: a second RETAIN would put the new password in both places. Called behind the lock of the user, so nothing of an earlier run
 * is still to come.
 */
export async function mintSecond(
  session: AdminSession, accounts: readonly AccountState[], id: string, identified: (account: AccountState) => string,
  effect: (sql: string) => Promise<void>,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  const why = whyNoDual(session)
  const [first] = accounts
  if (why !== undefined || first === undefined) return refused('PRECONDITION_FAILED', why)
  const dual = await readDual(session, first.user)
  if (dual.now === id) return done({ evidence: { user: first.user, accounts: accounts.length, again: true } })
  if (dual.hasSecond) return refused('SLOTS_FULL', `${first.user} has a second password already`)
  await effect(`ALTER USER ${accounts.map((one) => `${accountName(one)} ${identified(one)} RETAIN CURRENT PASSWORD`).join(', ')} ${note(id, dual.now)}`)
  return done({ evidence: { user: first.user, accounts: accounts.length, again: false } })
}

function note(now: string | undefined, before: string | undefined): string {
  return `ATTRIBUTE ${literal(JSON.stringify({ keyturn: { now: now ?? null, before: before ?? null } }))}`
}

/** Ends one of the two passwords: the second is discarded; in place of the first, the second becomes the first again. Repeatable. */
export async function bringDual(
  session: AdminSession, { original }: Principal, id: string, state: CredentialState, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  if (state === 'off') return refused('NOT_NOW', 'a password cannot be turned off, only discarded')
  return change(session, original, call, async (effect) => {
    const { accounts, now, before, hasSecond } = await readDual(session, original)
    const answer = (absent: boolean): Answer<{ readonly evidence: Evidence }> => done({ evidence: { user: original, absent } })
    const isSecond = now !== id && hasSecond && (before === undefined || before === id)
    if (state === 'on') return now === id || isSecond || (now === undefined && accounts.length > 0) ? answer(false) : refused('PRINCIPAL_MISSING', id)
    // What was gone back to stands in both places until the second is discarded.
    const isHalfway = accounts.some(({ kept, second }) => kept === second)
    if (now === id) {
      if (!hasSecond) return refused('NOT_NOW', `${id} is the only password of ${original}`)
      const back = accounts.map((one) => `${accountName(one)} IDENTIFIED WITH ${literal(one.plugin)} AS 0x${one.second ?? one.kept}`)
      await effect(`ALTER USER ${back.join(', ')} ${note(before, undefined)}`)
    } else if (!isSecond && !isHalfway) return answer(true)
    await effect(`ALTER USER ${accounts.map((one) => `${accountName(one)} DISCARD OLD PASSWORD`).join(', ')} ATTRIBUTE '{"keyturn":{"before":null}}'`)
    return answer(false)
  })
}

/** The passwords that are known by their ids. Sessions do not tell with which of the two they began, so nothing of their use is seen. */
export async function observeDual(session: AdminSession, { original }: Principal, clock: number): Promise<Answer<Observation>> {
  const { now, before, hasSecond } = await readDual(session, original)
  const known: Known[] = [now, hasSecond ? before : undefined].flatMap((id) => (id === undefined ? [] : [{ id, state: 'on' as const, uses: [] }]))
  return done({ known, complete: now !== undefined && (!hasSecond || before !== undefined), seenUpTo: 0, clock })
}
