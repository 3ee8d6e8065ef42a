import { type Answer, type CredentialState, type Known, type Observation, done } from '../../kit/index.ts'
import { readUses } from './activity.ts'
import type { AdminSession } from './admin.ts'
import type { Pair } from './pair.ts'
import { type Role, readRoles } from './role.ts'

/** The roles of the pair that exist, their state and who is logged in as them now. */
export async function observe(session: AdminSession, pair: Pair): Promise<Answer<Observation>> {
  const [roles, uses, clock] = [
    await readRoles(session, pair.all), await readUses(session, pair.all), await readClock(session),
  ]
  const known: Known[] = pair.all.flatMap((id) => {
    const role = roles.get(id)
    return role === undefined ? [] : [{ id, state: stateOf(role), uses: uses.get(id) ?? [] }]
  })
  return done({ known, complete: true, seenUpTo: clock, clock })
}

/** A role without a password is gone; an admin who may not read that sees it as off, which is the careful reading. */
function stateOf(role: Role): CredentialState {
  if (role.canLogin) return 'on'
  return role.bare === true ? 'gone' : 'off'
}

async function readClock(session: AdminSession): Promise<number> {
  const [row] = await session.query<{ clock: number }>(
    'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS clock')
  return row?.clock ?? 0
}
