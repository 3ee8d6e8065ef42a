import { type Answer, type Call, type Evidence, type MintIntent, type TaskRequest, ask, done, refused } from '../../kit/index.ts'
import { type AccountState, accountsOf, readAccounts } from './accounts.ts'
import { nameUses, readUses } from './activity.ts'
import { type AdminSession, change } from './admin.ts'
import { mintSecond } from './dual.ts'
import { readEqual, rolesToTake } from './equal.ts'
import { errorNumber } from './failure.ts'
import { otherOf, type Principal } from './principal.ts'
import { type Account, accountName, accountNames } from './quote.ts'
import { PASSWORD_PLUGINS, identifiedBy } from './verifier.ts'

export interface MintWays {
  readonly principal: Principal
  readonly send: 'hash' | 'clear'
  /** Whether this very credential is accepted now: then an earlier run of this mint was here, and sessions on its user are ours. */
  accepted(): Promise<boolean>
}

type Effect = (sql: string) => Promise<void>

/**
 * Gives the user its new password, all its accounts. `alternate`: makes the idle user an equal of the other first, account by account
 * and locked, and unlocks all of them at the end; refuses PRINCIPAL_IN_USE when somebody is logged in with another password. May be
 * repeated.
 */
export async function mint(
  session: AdminSession, ways: MintWays, intent: MintIntent, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  const { principal, send } = ways
  const { id, fields: { user, password } } = intent.credential
  const name = user?.reveal() ?? ''
  if (password === undefined || !principal.all.includes(name)) return refused('PRINCIPAL_MISSING', `${id} is not of this principal`)
  return change(session, principal.original, call, async (effect) => {
    const accounts = await readAccounts(session, principal.all)
    const own = accountsOf(accounts, name)
    const from = principal.strategy === 'alternate' ? accountsOf(accounts, otherOf(principal, name)) : own
    if (from.length === 0) return refused('PRINCIPAL_MISSING', principal.strategy === 'alternate' ? otherOf(principal, name) : name)
    const unfit = whyUnfit(from)
    if (unfit !== undefined) return refused('PRECONDITION_FAILED', unfit)
    const identified = (account: AccountState): string => identifiedBy(session.flavour, account.plugin, password, send)
    try {
      if (principal.strategy === 'overlap') return await mintSecond(session, own, id, identified, effect)
      if (principal.strategy === 'in-place') {
        await effect(`ALTER USER ${own.map((one) => `${accountName(one)} ${identified(one)}`).join(', ')}`)
        return done({ evidence: { user: name, accounts: own.length } })
      }
      const wanted = from.map(({ host }): Account => ({ user: name, host }))
      const again = own.some(({ locked }) => !locked) && await ways.accepted()
      if (!again) {
        const uses = (await readUses(session, [name])).get(name) ?? []
        if (uses.length > 0) return refused('PRINCIPAL_IN_USE', `${name}: ${nameUses(uses)}`)
        for (const one of from) await equalise(session, one, { user: name, host: one.host }, own, identified(one), effect)
      }
      await effect(`ALTER USER ${accountNames(wanted)} ACCOUNT UNLOCK`)
      return done({ evidence: { user: name, accounts: wanted.length, created: own.length === 0, again } })
    } catch (thrown) {
      if (send === 'hash' && refusesHash(errorNumber(thrown))) return ask(sendClear(name))
      throw thrown
    }
  })
}

/** Why the accounts of a user cannot be given a password; undefined when they can. */
export function whyUnfit(accounts: readonly AccountState[]): string | undefined {
  const other = accounts.find(({ plugin, several }) => several || !PASSWORD_PLUGINS.includes(plugin))
  if (other === undefined) return undefined
  const way = other.several ? 'in several ways' : `by ${other.plugin}`
  return `${other.user}@${other.host} logs in ${way}; a password by ${PASSWORD_PLUGINS.join(', ')} can be rotated`
}

/** One account of the idle user becomes what the account of the other is; it stays locked. */
async function equalise(
  session: AdminSession, from: Account, to: Account, existing: readonly Account[], identified: string, effect: Effect,
): Promise<void> {
  const { attributes, grants } = await readEqual(session, from, to)
  const exists = existing.some(({ host }) => host === to.host)
  const name = accountName(to)
  if (exists) {
    await effect(`ALTER USER ${name} REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0
      MAX_USER_CONNECTIONS 0 PASSWORD EXPIRE DEFAULT ACCOUNT LOCK`)
  }
  await effect(`${exists ? 'ALTER' : 'CREATE'} USER ${name} ${identified}${attributes === '' ? '' : ` ${attributes}`} ACCOUNT LOCK`)
  if (exists) {
    await effect(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${name}`)
    for (const statement of await rolesToTake(session, to, { attributes, grants })) await effect(statement)
  }
  for (const statement of grants) await effect(statement)
}

/** 1290: MariaDB's strict_password_validation; 1372, 1819, 1827: the form or the policy of the password. */
function refusesHash(errno: number | undefined): boolean {
  return errno === 1290 || errno === 1372 || errno === 1819 || errno === 1827
}

function sendClear(user: string): TaskRequest {
  return {
    kind: 'prepare',
    title: `Let the password of ${user} be sent in clear, or let the server take hashes`,
    steps: [
      'The server refused a hash in place of a password (code HASH_REFUSED); no login was changed.',
      'Either set `send: clear` under `issuer` in the manifest.',
      'The password then crosses the connection: use ssl-mode=VERIFY_IDENTITY in the URL of the admin.',
      'Or turn strict_password_validation off at the server.',
      'Then run `keyturn resume`.',
    ],
  }
}
