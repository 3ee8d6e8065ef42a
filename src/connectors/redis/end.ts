import { type Answer, type Call, type CredentialState, type Evidence, done, refused, unknown } from '../../kit/index.ts'
import { change, readNodes, type Seen } from './change.ts'
import { failure } from './failure.ts'
import type { OpenNode } from './nodes.ts'
import type { Principal } from './principal.ts'
import { endSessions, readClients } from './sessions.ts'
import type { Command } from './session.ts'

/**
 * Brings a credential into a state at every node. `alternate`: `on` and `off` are the user's own, `gone` is off and without a
 * password; the user stays, it is the idle one of the pair. `overlap`: `gone` takes that one password away. Off and gone end the
 * sessions of the user and of no other; with `overlap` all of the user, since Redis does not tell by which password one came. May be
 * repeated.
 */
export async function bring(
  nodes: readonly OpenNode[], principal: Principal, persist: boolean, id: string, state: CredentialState, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  if (principal.strategy === 'in-place') return refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')
  if (principal.strategy === 'overlap' && state !== 'gone') return refused('NOT_NOW', 'one password of a user is there or gone, it cannot be off')
  const user = principal.strategy === 'overlap' ? principal.original : id
  if (!principal.users.includes(user)) return refused('PRINCIPAL_MISSING', 'the credential is of another principal')
  const [admin] = nodes
  if (admin?.target.user === user && state !== 'on') return refused('RIGHTS_MISSING', `the admin logs in as ${user}; give another admin`)

  const seen = await readNodes(nodes)
  const there = seen.filter((one) => isThere(principal, user, id, one))
  if (state === 'on' && there.length < seen.length) return refused('PRINCIPAL_MISSING', user)
  if (there.length === 0) return done({ evidence: { user, absent: true } })
  const open = (await Promise.all(nodes.map(readClients))).flat().filter((client) => client.user === user).length
  const changed = await change(there, (one) => ({ user, commands: commandsOf(principal, user, id, state, one) }), persist, call)
  if (changed.is !== 'done') return changed
  if (state === 'on') return done({ evidence: { user } })
  // Of one user the next login may be with the password that stays.
  if (principal.strategy === 'overlap') return done({ evidence: { user, ended: open } })
  try {
    for (const { node } of there) await endSessions(node, user, call)
    return done({ evidence: { user, ended: open } })
  } catch (thrown) {
    const cause = failure(thrown, call, 'unknown')
    const code = cause.is === 'refused' || cause.is === 'unknown' ? cause.code : 'INTERNAL'
    return unknown(code, `${user} is changed, but sessions of it may live on`)
  }
}

function isThere(principal: Principal, user: string, id: string, { users }: Seen): boolean {
  const found = users.get(user)
  if (found === undefined || principal.strategy !== 'overlap') return found !== undefined
  return found.hashes.some((hash) => principal.idOfHash(hash) === id)
}

function commandsOf(principal: Principal, user: string, id: string, state: CredentialState, { users }: Seen): readonly Command[] {
  const ended = users.get(user)?.hashes.filter((hash) => principal.idOfHash(hash) === id) ?? []
  const words = principal.strategy === 'overlap' ? ended.map((hash) => `!${hash}`) : { on: ['on'], off: ['off'], gone: ['off', 'resetpass'] }[state]
  // In the same go as the refusal of logins, so that no run that dies leaves one without the other.
  return [['ACL', 'SETUSER', user, ...words], ...(state === 'on' ? [] : [['CLIENT', 'KILL', 'USER', user]])]
}
