import { type Answer, type CredentialState, done, type Known, type Observation } from '../../kit/index.ts'
import type { OpenNode } from './nodes.ts'
import type { Principal } from './principal.ts'
import { textsOf } from './reply.ts'
import { type Client, readClients, usesOf } from './sessions.ts'
import { readUsers, stateOf, type User } from './user.ts'

const RANK: readonly CredentialState[] = ['gone', 'off', 'on']

/**
 * The credentials that some node knows, each in the most usable state that it has anywhere, and who is connected with it over all
 * nodes. With `overlap` nobody's use is shown: Redis tells the user of a connection, never the password.
 */
export async function observe(nodes: readonly OpenNode[], principal: Principal): Promise<Answer<Observation>> {
  const clocks = await Promise.all(nodes.map(readClock))
  const [users, clients] = [await Promise.all(nodes.map(readUsers)), (await Promise.all(nodes.map(readClients))).flat()]
  const states = new Map<string, CredentialState>()
  for (const [id, state] of users.flatMap((byName) => listed(principal, byName))) {
    const before = states.get(id)
    if (before === undefined || RANK.indexOf(state) > RANK.indexOf(before)) states.set(id, state)
  }
  const clock = Math.min(...clocks)
  const known: readonly Known[] = [...states].map(([id, state]) => ({ id, state, uses: usesFor(principal, id, clients) }))
  return done({ known, complete: true, seenUpTo: principal.strategy === 'overlap' ? 0 : clock, clock })
}

function listed(principal: Principal, users: ReadonlyMap<string, User>): readonly (readonly [id: string, state: CredentialState])[] {
  return principal.users.flatMap((name) => {
    const user = users.get(name)
    if (user === undefined) return []
    if (principal.strategy !== 'overlap') return [[name, stateOf(user)] as const]
    return user.hashes.map((hash) => [principal.idOfHash(hash), stateOf(user)] as const)
  })
}

function usesFor(principal: Principal, id: string, clients: readonly Client[]): Known['uses'] {
  return principal.strategy === 'overlap' ? [] : usesOf(id, clients)
}

/** Unix ms. https://redis.io/docs/latest/commands/time/ */
async function readClock(node: OpenNode): Promise<number> {
  const [seconds, micros] = textsOf(await node.ask(['TIME']))
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
