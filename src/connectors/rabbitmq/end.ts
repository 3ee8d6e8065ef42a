import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, type Call, type CredentialState, done, type Evidence, refused, unknown } from '../../kit/index.ts'
import { type Api, pathOf } from './api.ts'
import { sameLimits } from './mint.ts'
import { otherOf, type Principal } from './principal.ts'
import { OFF, isOff, readConnections, readUser } from './user.ts'

/**
 * Brings a user of the pair into a state: `off` by a limit of no connections at all, `on` by the limits that the other user has, `gone`
 * deleted. `off` and `gone` end its connections, and no other's, until none is seen twice in a row. May be repeated.
 */
export async function bring(
  api: Api, principal: Principal, id: string, state: CredentialState, admin: string, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  if (principal.strategy === 'in-place') return refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')
  if (!principal.all.includes(id)) return refused('PRINCIPAL_MISSING', `${id} is not of this pair`)
  if (id === admin && state !== 'on') return refused('RIGHTS_MISSING', `the admin logs in as ${id}; give another admin`)
  const user = await readUser(api, id)
  if (user === undefined) return state === 'on' ? refused('PRINCIPAL_MISSING', id) : done({ evidence: { user: id, absent: true } })
  if (state === 'on') {
    const other = await readUser(api, otherOf(principal, id))
    if (isOff(user)) await sameLimits(api, other === undefined || isOff(other) ? { limits: {} } : other, id, user)
    return done({ evidence: { user: id } })
  }
  await api.change('PUT', pathOf('user-limits', id, OFF), { value: 0 })
  const ended = await sweep(api, id, call)
  if (ended === undefined) return unknown('DEADLINE', `${id} may not log in any more, but its connections may live on`)
  if (state === 'gone') await api.change('DELETE', pathOf('users', id))
  return done({ evidence: { user: id, ended } })
}

/** Answers how many connections there were at the first look; undefined at the deadline. */
async function sweep(api: Api, user: string, call: Call): Promise<number | undefined> {
  let first: number | undefined
  for (let quiet = 0; quiet < 2;) {
    if (call.signal.aborted) return undefined
    const open = await readConnections(api, user)
    first ??= open.length
    quiet = open.length === 0 ? quiet + 1 : 0
    if (open.length > 0) await api.change('DELETE', pathOf('connections', 'username', user))
    if (quiet < 2) await pause(20)
  }
  return first
}
