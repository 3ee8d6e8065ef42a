import { type Answer, type Call, type Evidence, type MintIntent, type Secret, done, refused } from '../../kit/index.ts'
import { change, type Effect, readNodes, type Seen } from './change.ts'
import type { OpenNode } from './nodes.ts'
import type { Principal } from './principal.ts'
import { nameUses, readClients, usesOf } from './sessions.ts'
import { hashOf, type User } from './user.ts'

export interface MintWays {
  readonly principal: Principal
  readonly persist: boolean
  /** Whether this very credential is accepted now: then sessions of its user are ours, from an earlier run of this mint. */
  accepted(): Promise<boolean>
}

/** Two passwords of one user are on at once, at most. */
export const SLOTS = 2

/**
 * Gives the user its new password at every node, on disk in the same go. `alternate`: makes the companion an equal of the original
 * first, and refuses PRINCIPAL_IN_USE when somebody is connected as it with another password. `overlap`: beside the one that there
 * is. `in-place`: instead of all that there are; replicas that log in at their primary as this user are told too. May be repeated.
 */
export async function mint(nodes: readonly OpenNode[], ways: MintWays, { credential }: MintIntent, call: Call): Promise<Answer<{ readonly evidence: Evidence }>> {
  const { principal } = ways
  const { user: named, password } = credential.fields
  const user = principal.users.find((one) => one === named?.reveal())
  if (user === undefined || password === undefined || principal.idOf(credential.fields) !== credential.id) return refused('PRINCIPAL_MISSING', 'the credential is of another principal')
  if (password.reveal() === '') return refused('VALUE_UNREADABLE', 'a password of Redis has a character at least')
  const seen = await readNodes(nodes)
  const lacking = seen.find(({ users }) => !users.has(principal.original))
  if (lacking !== undefined) return refused('PRINCIPAL_MISSING', `${principal.original} at ${lacking.node.name}`)
  if (principal.strategy === 'alternate') {
    const uses = usesOf(user, (await Promise.all(nodes.map(readClients))).flat())
    if (uses.length > 0 && !(await ways.accepted())) return refused('PRINCIPAL_IN_USE', `${user}: ${nameUses(uses)}`)
  }
  if (principal.strategy === 'overlap') {
    const full = seen.find(({ users }) => others(users.get(user), password).length >= SLOTS)
    if (full !== undefined) return refused('SLOTS_FULL', `${user} has ${SLOTS} other passwords at ${full.node.name}`)
  }
  const minted = await change(seen, (one) => effectOf(principal, user, password, one), ways.persist, call)
  return minted.is === 'done' ? done({ evidence: { user, nodes: nodes.length, saved: ways.persist } }) : minted
}

/** The passwords beside this one. */
function others(user: User | undefined, password: Secret): readonly string[] {
  return user?.hashes.filter((hash) => hash !== hashOf(password)) ?? []
}

function effectOf(principal: Principal, user: string, password: Secret, { users, setup }: Seen): Effect {
  const hash = `#${hashOf(password)}`
  if (principal.strategy === 'overlap') return { user, commands: [['ACL', 'SETUSER', user, hash]] }
  if (principal.strategy === 'alternate') {
    const rules = user === principal.companion ? ['reset', ...(users.get(principal.original)?.rules ?? [])] : ['resetpass']
    return { user, commands: [['ACL', 'SETUSER', user, ...rules, hash, 'on']] }
  }
  // CONFIG SET changes the password of `default` and takes all others of it away, as ACL SETUSER would; the other way round
  // `requirepass` would go on to show the old one.
  const { requirepass, replicates } = setup
  const before = [
    ...(user === 'default' && requirepass !== undefined ? [['requirepass', requirepass] as const] : []),
    ...(replicates?.user === user ? [['masterauth', replicates.masterauth] as const] : []),
  ]
  const byUser = before[0]?.[0] === 'requirepass' ? [] : [['ACL', 'SETUSER', user, 'resetpass', hash]]
  if (before.length === 0) return { user, commands: byUser }
  return {
    user,
    commands: [...byUser, ['CONFIG', 'SET', ...before.flatMap(([name]) => [name, password.reveal()])]],
    settings: ['CONFIG', 'SET', ...before.flatMap(([name, value]) => [name, value.reveal()])],
  }
}
