import { z } from 'zod'
import { label, refused } from '../../kit/answer.ts'
import type { Use } from '../../kit/issuer.ts'
import { type Api, Stopped } from './api.ts'

const usersSchema = z.array(z.object({
  id: z.string().min(1),
  username: z.string(),
  email: z.string().optional(),
  enabled: z.boolean(),
  federationLink: z.string().optional(),
  requiredActions: z.array(z.string()).default([]),
  access: z.object({ manage: z.boolean().default(true) }).default({ manage: true }),
}))

/** A user as the admin sees it. */
export type UserRecord = z.infer<typeof usersSchema>[number]

/** The user of this name. Throws {@link Stopped}: PRINCIPAL_MISSING when there is none. */
export async function readUser(api: Api, name: string): Promise<UserRecord> {
  const all = await api.get(usersSchema, { path: ['users'], query: { username: name, exact: 'true' }, role: 'view-users' })
  // Keycloak keeps names in lower case.
  const found = all?.find(({ username }) => username.toLowerCase() === name.toLowerCase())
  if (found === undefined) throw new Stopped(refused('PRINCIPAL_MISSING', `user ${name}: there is none, or the admin may not see it (view-users)`))
  return found
}

const sessionsSchema = z.array(z.object({ ipAddress: z.string().default(''), clients: z.record(z.string(), z.string()).default({}) }))

/** Its sessions by client and address. */
export async function readUses(api: Api, { id }: UserRecord): Promise<readonly Use[]> {
  const sessions = await api.get(sessionsSchema, { path: ['users', id, 'sessions'], role: 'view-users' })
  const counts = new Map<string, number>()
  for (const { ipAddress, clients } of sessions ?? []) {
    const by = label(`${Object.values(clients).toSorted().join('+')}@${ipAddress}`)
    counts.set(by, (counts.get(by) ?? 0) + 1)
  }
  return [...counts].map(([by, count]) => ({ by, count }))
}

const countsSchema = z.object({ numFailures: z.number(), disabled: z.boolean() })

/** What the brute force detection of the realm holds against the user; zeros where it is off. */
export async function readFailures(api: Api, { id }: UserRecord): Promise<z.infer<typeof countsSchema>> {
  return (await api.get(countsSchema, failures(id, 'view-users'))) ?? { numFailures: 0, disabled: false }
}

/** Takes the failed logins back that are counted. */
export async function forgetFailures(api: Api, { id }: UserRecord): Promise<void> {
  await api.change('DELETE', { ...failures(id, 'manage-users'), aside: true })
}

function failures(id: string, role: string) {
  return { path: ['attack-detection', 'brute-force', 'users', id], role }
}
