import { type Answer, done, type Known, type Observation, refused } from '../../kit/index.ts'
import type { Admin } from './admin.ts'
import { readConnections, usesOf } from './connections.ts'
import type { Principal } from './principal.ts'
import { readUsers } from './users.ts'

/** The users of the principal that exist, their state, and who is connected as them over all nodes. */
export async function observe(admin: Admin, { users: names }: Principal): Promise<Answer<Observation>> {
  const users = await readUsers(admin.session)
  const seen = await admin.each(async (session) => {
    const all = await readConnections(session)
    // No command in the database `system` tells the time, but our own login has one.
    return { all, clock: all.find(({ agent }) => agent === session.agent)?.since ?? NaN }
  })
  const clock = Math.min(...seen.map((one) => one.clock))
  if (!Number.isFinite(clock)) return refused('RIGHTS_MISSING', 'the admin does not see its own connection (dbms.listConnections)')
  const connections = seen.flatMap(({ all }) => all)
  const known = names.flatMap((id): Known[] => {
    const user = users.get(id)
    return user === undefined ? [] : [{ id, state: user.state, uses: usesOf(id, connections) }]
  })
  return done({ known, complete: true, seenUpTo: clock, clock })
}
