import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, type CredentialState, type Evidence, Secret, done, refused } from '../../kit/index.ts'
import { accountsOf, readAccounts } from './accounts.ts'
import { sweep } from './activity.ts'
import { type AdminSession, change } from './admin.ts'
import { countDefined } from './definer.ts'
import { bringDual } from './dual.ts'
import type { Principal } from './principal.ts'
import { accountName, accountNames } from './quote.ts'
import { identifiedBy } from './verifier.ts'

/**
 * Brings a user of the pair into a state, all its accounts: `on` unlocked, `off` locked, `gone` dropped; one that stored objects name
 * as their definer stays, locked and with a password that nobody has, since they would not run without it. `off` and `gone` end its
 * sessions, and no other user's. May be repeated.
 */
export async function bring(
  session: AdminSession, principal: Principal, id: string, state: CredentialState, admin: string, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  if (principal.strategy === 'overlap') return bringDual(session, principal, id, state, call)
  if (principal.strategy === 'in-place') return refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')
  if (!principal.all.includes(id)) return refused('PRINCIPAL_MISSING', `${id} is not of this pair`)
  if (id === admin && state !== 'on') return refused('RIGHTS_MISSING', `the admin logs in as ${id}; give another admin`)
  return change<{ readonly evidence: Evidence }>(session, principal.original, call, async (effect) => {
    const accounts = accountsOf(await readAccounts(session, [id]), id)
    if (accounts.length === 0) return state === 'on' ? refused('PRINCIPAL_MISSING', id) : done({ evidence: { user: id, absent: true } })
    await effect(`ALTER USER ${accountNames(accounts)} ACCOUNT ${state === 'on' ? 'UNLOCK' : 'LOCK'}`)
    if (state === 'on') return done({ evidence: { user: id, accounts: accounts.length } })
    const ended = await sweep(session, id, call)
    const defined = state === 'gone' ? await countDefined(session, accounts) : 0
    if (state === 'gone' && defined === 0) await effect(`DROP USER ${accountNames(accounts)}`)
    if (defined > 0) {
      const nobodys = new Secret(generate(ALNUM, 40))
      await effect(`ALTER USER ${accounts.map((one) => `${accountName(one)} ${identifiedBy(session.flavour, one.plugin, nobodys, 'hash')}`).join(', ')}`)
    }
    return done({ evidence: { user: id, accounts: accounts.length, ended, ...(defined > 0 ? { definerOf: defined } : {}) } })
  })
}
