import type { AdminSession } from './admin.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** Whether a role is a dated one of this original: `app_20261121a`, its day (UTC) and a letter. */
export function isDated(original: string, role: string): boolean {
  return role.startsWith(`${original}_`) && /^\d{8}[a-z]$/.test(role.slice(original.length + 1))
}

/** The dated role that follows this one: today's first, or the next letter when it is of today itself. `now` in unix ms. */
export function nextDated(original: string, current: string, now: number): string {
  const today = `${original}_${new Date(now).toISOString().slice(0, 10).replaceAll('-', '')}`
  const used = current.startsWith(today) && isDated(original, current) ? LETTERS.indexOf(current.slice(-1)) : -1
  return `${today}${LETTERS[(used + 1) % LETTERS.length] ?? ''}`
}

/** The dated roles of this original that exist. */
export async function readDated(session: AdminSession, original: string): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>('SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, $1) ORDER BY 1', [`${original}_`])
  return rows.map(({ name }) => name).filter((name) => isDated(original, name))
}
