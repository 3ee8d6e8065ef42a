import { type Answer, type Call, type CredentialState, type Evidence, done, refused } from '../../kit/index.ts'
import { type Admin, change } from './admin.ts'
import { sweep } from './connections.ts'
import type { Principal } from './principal.ts'
import { readUsers } from './users.ts'

/**
 * Brings a user of the pair into a state: `gone` dropped; on Enterprise `off` suspended, `on` active again. `off` and `gone` end its
 * connections on every node, and no other user's. May be repeated.
 */
export async function bring(admin: Admin, principal: Principal, id: string, state: CredentialState, call: Call): Promise<Answer<{ readonly evidence: Evidence }>> {
  if (principal.strategy === 'in-place') return refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')
  if (!principal.users.includes(id)) return refused('PRINCIPAL_MISSING', `${id} is not of this pair`)
  if (id === admin.target.user && state !== 'on') return refused('RIGHTS_MISSING', `the admin logs in as ${id}; give another admin`)
  if (state === 'off' && !principal.enterprise) return refused('NOT_NOW', 'Neo4j Community cannot turn a user off, only drop it')
  return change<{ readonly evidence: Evidence }>(admin, call, async (effect) => {
    const isThere = (await readUsers(admin.session)).has(id)
    if (!isThere && state === 'on') return refused('PRINCIPAL_MISSING', id)
    // On Community one that is there is on.
    if (state === 'on' && !principal.enterprise) return done({ evidence: { user: id } })
    if (isThere) await (state === 'gone' ? effect('DROP USER $user IF EXISTS', { user: id }) : effect(`ALTER USER $user SET STATUS ${state === 'on' ? 'ACTIVE' : 'SUSPENDED'}`, { user: id }))
    if (state === 'on') return done({ evidence: { user: id } })
    // Also of a user that is there no more: an earlier run may have been killed between the two.
    return done({ evidence: { user: id, absent: !isThere, ended: await sweep(admin, id, call) } })
  })
}
