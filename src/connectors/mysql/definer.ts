import type { AdminSession } from './admin.ts'
import type { Account } from './quote.ts'

/** How many views, routines, triggers and events name one of these accounts as their definer, as far as the admin can see. */
export async function countDefined(session: AdminSession, accounts: readonly Account[]): Promise<number> {
  const rows = await session.query<{ definer: string }>(
    `SELECT DEFINER AS definer FROM information_schema.VIEWS UNION ALL SELECT DEFINER FROM information_schema.ROUTINES
     UNION ALL SELECT DEFINER FROM information_schema.TRIGGERS UNION ALL SELECT DEFINER FROM information_schema.EVENTS`)
  const names = new Set(accounts.map(({ user, host }) => `${user}@${host}`))
  return rows.filter(({ definer }) => names.has(definer)).length
}
