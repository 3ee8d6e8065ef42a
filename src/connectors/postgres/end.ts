import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, type Call, type CredentialState, type Evidence, done, refused, unknown } from '../../kit/index.ts'
import { endSessions } from './activity.ts'
import { type AdminSession, change } from './admin.ts'
import { drop } from './drop.ts'
import { failure } from './failure.ts'
import type { Pair } from './pair.ts'
import { identifier } from './quote.ts'
import { readRoles } from './role.ts'
import type { Target } from './target.ts'

/**
 * Brings a role of the pair into a state: `on` LOGIN, `off` NOLOGIN, `gone` NOLOGIN and no password; the role itself stays, it
 * is the idle one of the pair and may own objects. A dated one that is gone is dropped: see {@link drop}. `off` and `gone` end its sessions, and no other role's, until none is seen
 * twice in a row (a login that passed the check just before may appear a moment later). May be repeated.
 */
export async function bring(
  session: AdminSession, pair: Pair, id: string, state: CredentialState, admin: Target, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  if (pair.strategy === 'in-place') return refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')
  if (!pair.all.includes(id)) return refused('PRINCIPAL_MISSING', `${id} is not of this principal`)
  if (id === admin.user && state !== 'on') return refused('RIGHTS_MISSING', `the admin logs in as ${id}; give another admin`)
  const words = { on: 'LOGIN', off: 'NOLOGIN', gone: 'NOLOGIN PASSWORD NULL' }[state]
  let absent = false
  const changed = await change<{ readonly evidence: Evidence }>(session, pair.original, call, async () => {
    // looked up behind the fence, which is raised even so: an owner that was taken over must not make the role after this
    absent = !(await readRoles(session, [id])).has(id)
    if (absent) return state === 'on' ? refused('PRINCIPAL_MISSING', id) : done({ evidence: { role: id, absent } })
    await session.query(`ALTER ROLE ${identifier(id)} WITH ${words}`)
    return done({ evidence: { role: id } })
  })
  if (changed.is !== 'done' || state === 'on' || absent) return changed
  let ended: number
  try {
    ended = await sweep(session, id, call)
  } catch (thrown) {
    const cause = failure(thrown, call, 'unknown')
    const code = cause.is === 'refused' || cause.is === 'unknown' ? cause.code : 'INTERNAL'
    return unknown(code, `${id} may not log in any more, but its sessions may live on`)
  }
  return state === 'gone' && pair.strategy === 'overlap' && id !== pair.original ? drop(session, pair, id, admin, call) : done({ evidence: { role: id, ended } })
}

/** Answers how many sessions were there at the first look. Throws at the deadline. */
async function sweep(session: AdminSession, role: string, call: Call): Promise<number> {
  const first = await endSessions(session, role)
  for (let left = first, quiet = left === 0 ? 1 : 0; quiet < 2; quiet = left === 0 ? quiet + 1 : 0) {
    await pause(20, undefined, { signal: call.signal })
    left = await endSessions(session, role)
  }
  return first
}
