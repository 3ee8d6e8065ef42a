import { type Answer, type Call, type Evidence, type MintIntent, type Secret, done, refused } from '../../kit/index.ts'
import { type Admin, change } from './admin.ts'
import { nameUses, readConnections, usesOf } from './connections.ts'
import { codeOf } from './failure.ts'
import { otherOf, type Principal } from './principal.ts'
import type { Session } from './session.ts'
import { readUsers } from './users.ts'

/** Whether this very credential is accepted now: then an earlier run of this mint was here. */
export type Accepted = () => Promise<boolean>

type Minted = Answer<{ readonly evidence: Evidence }>

/**
 * Gives the user its new password. `alternate`: makes the idle user, with the roles and the home database of the other one, and lets it in
 * at the end; one that is suspended is replaced, which takes what roles it has left. Refuses PRINCIPAL_IN_USE when somebody may have its
 * password. May be repeated.
 */
export async function mint(admin: Admin, principal: Principal, intent: MintIntent, accepted: Accepted, call: Call): Promise<Minted> {
  const { id, fields: { user, password } } = intent.credential
  const name = user?.reveal() ?? ''
  if (password === undefined || !principal.users.includes(name)) return refused('PRINCIPAL_MISSING', `${id} is not of this principal`)
  return change(admin, call, async (effect) => {
    const users = await readUsers(admin.session)
    const [own, from] = [users.get(name), users.get(otherOf(principal, name))]
    if (principal.strategy === 'in-place') return own === undefined ? refused('PRINCIPAL_MISSING', name) : replace(name, password, effect, accepted)
    if (from === undefined) return refused('PRINCIPAL_MISSING', otherOf(principal, name))
    if (own?.state === 'on') return await accepted() ? done({ evidence: { user: name, again: true } }) : inUse(name)
    const uses = usesOf(name, (await admin.each(readConnections)).flat())
    if (uses.length > 0) return refused('PRINCIPAL_IN_USE', `${name}: ${nameUses(uses)}`)
    const [or, unless] = own === undefined ? ['', ' IF NOT EXISTS'] : [' OR REPLACE', '']
    const created = await effect(
      `CREATE${or} USER $user${unless} SET PASSWORD $password CHANGE NOT REQUIRED${principal.enterprise ? ' SET STATUS SUSPENDED' : ''}${from.home === undefined ? '' : ' SET HOME DATABASE $home'}`,
      { user: name, password: password.reveal(), ...(from.home === undefined ? {} : { home: from.home }) },
    )
    // Another run made it in this very moment.
    if (created.changes === 0) return await accepted() ? done({ evidence: { user: name, again: true } }) : inUse(name)
    if (principal.enterprise) await letIn(name, from.roles, effect)
    return done({ evidence: { user: name, created: own === undefined, roles: from.roles.length } })
  })
}

/**
 * The server refuses to replace a password by the same one, and says so with a code that it has for other reasons too: a password that
 * is accepted is there already.
 */
async function replace(user: string, password: Secret, effect: Session['run'], accepted: Accepted): Promise<Minted> {
  try {
    await effect('ALTER USER $user SET PASSWORD $password CHANGE NOT REQUIRED', { user, password: password.reveal() })
    return done({ evidence: { user, again: false } })
  } catch (thrown) {
    if (codeOf(thrown) !== 'ClientError.Statement.ArgumentError' || !await accepted()) throw thrown
    return done({ evidence: { user, again: true } })
  }
}

async function letIn(user: string, roles: readonly string[], effect: Session['run']): Promise<void> {
  for (const role of roles) await effect('GRANT ROLE $role TO $user', { role, user })
  await effect('ALTER USER $user SET STATUS ACTIVE', { user })
}

function inUse(user: string): Answer<never> {
  return refused('PRINCIPAL_IN_USE', `${user} is there and may log in, so somebody may have its password; drop it when it is nobody's (DROP USER ${user})`)
}
