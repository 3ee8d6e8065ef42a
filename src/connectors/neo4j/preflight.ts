import { type Answer, done, label, type Preflight, refused } from '../../kit/index.ts'
import type { Admin } from './admin.ts'
import { nameUses, readConnections, usesOf } from './connections.ts'
import type { IssuerConfig } from './manifest.ts'
import { otherOf, type Principal } from './principal.ts'
import { missingRights } from './rights.ts'
import type { Session } from './session.ts'
import { readServer, readUsers, type User } from './users.ts'

/** Whether mint and set would work, by what the admin can read. Changes nothing. */
export async function lookAhead(admin: Admin, principal: Principal, config: IssuerConfig, current: string): Promise<Answer<Preflight>> {
  const { session, target } = admin
  const [alternate, next] = [principal.strategy === 'alternate', otherOf(principal, current)]
  // What keyturn itself works with is never ended (I4).
  if (principal.users.includes(target.user)) {
    return refused('RIGHTS_MISSING', `the admin logs in as ${label(target.user)}, which is what is rotated; give another admin (CREATE USER keyturn SET PASSWORD ... CHANGE NOT REQUIRED)`)
  }
  const server = await readServer(session)
  const unlike = whyUnlike(server.edition, principal)
  if (unlike !== undefined) return refused('PRECONDITION_FAILED', unlike)
  const missing = server.edition === 'enterprise' ? await missingRights(session, alternate) : []
  if (missing.length > 0) return refused('RIGHTS_MISSING', `${label(target.user)} lacks ${missing.join(', ')}`)

  const users = await readUsers(session)
  const connections = (await admin.each(readConnections)).flat()
  const bad = whyNot(users, principal, current, next) ?? await whySettings(session, config)
  if (bad !== undefined) return bad
  const uses = alternate ? usesOf(next, connections) : []
  if (uses.length > 0) return refused('PRINCIPAL_IN_USE', `${next}: in use by ${nameUses(uses)}`)
  const evidence = {
    server: label(server.version), edition: label(server.edition), admin: label(target.user), user: label(current), nodes: admin.nodes.length,
    sessions: usesOf(current, connections).reduce((sum, { count }) => sum + count, 0),
  }
  return done({ evidence, fenced: false, notices: notices(principal, current, target.protection === '' && target.ca === undefined) })
}

/** What the manifest says of the edition has to be so: the traits, and with them the plan, come from it. */
function whyUnlike(edition: string, { enterprise }: Principal): string | undefined {
  if (enterprise && edition !== 'enterprise') return `the server is Neo4j ${label(edition)}, which cannot turn users off: write \`edition: community\` under \`issuer\``
  if (!enterprise && edition !== 'community') return `the server is Neo4j ${label(edition)}, where users have roles: write \`edition: enterprise\` under \`issuer\``
  return undefined
}

function whyNot(users: ReadonlyMap<string, User>, { strategy }: Principal, current: string, next: string): Answer<never> | undefined {
  const own = users.get(current)
  if (own === undefined) return refused('PRINCIPAL_MISSING', current)
  if (own.mustChange) return refused('PRECONDITION_FAILED', `${current} has to change its password at the next login; set one with CHANGE NOT REQUIRED`)
  if (strategy !== 'alternate' || users.get(next)?.state !== 'on') return undefined
  return refused('PRINCIPAL_IN_USE', `${next} is there and may log in, so somebody may have its password; drop it when it is nobody's (DROP USER ${next})`)
}

const ATTEMPTS = 'dbms.security.auth_max_failed_attempts'

/** Wrong logins are part of the proofs, and every server of a cluster has connections of its own. */
async function whySettings(session: Session, config: IssuerConfig): Promise<Answer<never> | undefined> {
  const settings = await session.run('SHOW SETTINGS $names YIELD name, value', { names: [ATTEMPTS] })
  const attempts = Number(settings.rows[0]?.['value'] ?? 0)
  // Without a limit, or where the admin may not see it, what the manifest says holds.
  if (attempts > 0 && attempts < config.lockout) return refused('PRECONDITION_FAILED', `the server locks a user after ${attempts} wrong passwords: write \`lockout: ${attempts}\` under \`issuer\``)
  const { rows } = await session.run('SHOW DATABASE system YIELD address')
  const servers = new Set(rows.map(({ address }) => address)).size
  if (servers > (config.nodes?.length ?? 1)) {
    return refused('PRECONDITION_FAILED', `the cluster has ${servers} servers, each with connections of its own: name every one under \`nodes\``)
  }
  return undefined
}

function notices({ strategy, enterprise, original }: Principal, current: string, inClear: boolean): readonly string[] {
  return [
    'unfenced: Neo4j cannot compare before it changes a user',
    ...(strategy === 'in-place'
      ? [`connections of ${original} that are open keep all their rights after the change, with the old password, until they are closed; \`alternate\` ends them`]
      : ['connections outlive their login on Neo4j; when the old user is ended, keyturn ends the connections that are still open as it']),
    ...(strategy === 'alternate' && !enterprise ? [`Neo4j Community cannot turn ${current} off: it is dropped at once, and there is no undo window`] : []),
    ...(inClear ? ['passwords cross the connection without TLS: give the admin a neo4j+s:// or bolt+s:// URL'] : []),
  ]
}
