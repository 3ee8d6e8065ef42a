import { type Answer, type Observation, done } from '../../kit/index.ts'
import { accountsOf, readAccounts } from './accounts.ts'
import { readUses } from './activity.ts'
import type { AdminSession } from './admin.ts'
import { observeDual } from './dual.ts'
import type { Principal } from './principal.ts'

/** The users of the principal that exist, their state and who is logged in as them now. */
export async function observe(session: AdminSession, principal: Principal): Promise<Answer<Observation>> {
  const accounts = await readAccounts(session, principal.all)
  const uses = await readUses(session, principal.all)
  const [row] = await session.query<{ clock: unknown }>('SELECT FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) AS clock')
  const clock = Number(row?.clock ?? 0)
  if (principal.strategy === 'overlap') return observeDual(session, principal, clock)
  const known = principal.all.flatMap((id) => {
    const own = accountsOf(accounts, id)
    // As long as one of its accounts lets it in, it is on.
    return own.length === 0 ? [] : [{ id, state: own.some(({ locked }) => !locked) ? 'on' as const : 'off' as const, uses: uses.get(id) ?? [] }]
  })
  return done({ known, complete: true, seenUpTo: clock, clock })
}
