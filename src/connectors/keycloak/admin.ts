import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'
import type { IssuerConfig } from './manifest.ts'
import { placeOf } from './place.ts'
import { askToken, endSession, type Time } from './token.ts'

/** A login of the admin. */
export interface Entered {
  readonly access: Secret
  /** What ends the session that a user's login began; a service account has none. */
  readonly goodbye?: Readonly<Record<string, string | Secret>>
}

type Access = Pick<IssuerConfig, 'url' | 'admin'>

/** The client that a user logs in through. */
const CLI = 'admin-cli'

/**
 * Logs in, afresh for each piece of work: a password or secret that changed under a run is resolved anew. `refused` ADMIN_REJECTED when
 * Keycloak does not let this admin in. Throws what the host throws for a reference that does not resolve.
 */
export async function enter({ url, admin }: Access, host: Pick<Host, 'resolve' | 'conceal'>, call: Call): Promise<Answer<Entered>> {
  const client = admin.client ?? CLI
  const own = admin.secret === undefined ? {} : { client_secret: await bring(admin.secret, host, call) }
  const form = admin.user === undefined || admin.password === undefined
    ? { grant_type: 'client_credentials', client_id: client, ...own }
    : { grant_type: 'password', client_id: client, ...own, username: admin.user, password: await bring(admin.password, host, call) }
  const answer = await askToken(url, admin.realm, form, call)
  if (answer.is !== 'done') return answer
  const { status, error, access, refresh } = answer.value
  if (access === undefined) return refused('ADMIN_REJECTED', `${label(admin.user ?? client)} of realm ${admin.realm} at ${placeOf(url)}`, { status, ...(error === undefined ? {} : { error }) })
  host.conceal(access)
  return done({ access, ...(refresh === undefined ? {} : { goodbye: { client_id: client, ...own, refresh_token: refresh } }) })
}

/** Ends the session that a login began. */
export async function leave({ url, admin }: Access, { goodbye }: Entered, call: Time): Promise<void> {
  if (goodbye !== undefined) await endSession(url, admin.realm, goodbye, call)
}

async function bring(reference: string, host: Pick<Host, 'resolve' | 'conceal'>, call: Call): Promise<Secret> {
  const value = await host.resolve(reference, call)
  host.conceal(value)
  return value
}
