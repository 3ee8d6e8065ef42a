import { ALNUM, generate } from '../../kit/generate.ts'
import {
  type Answer, type Credential, type Preflight, Secret, type Verdict, done, label, refused, resourceKey, unknown,
} from '../../kit/index.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import { nameUses, readUses } from './activity.ts'
import type { AdminSession } from './admin.ts'
import type { Pair } from './pair.ts'
import { denied, missingRights, readRights } from './rights.ts'
import { type Role, readRoles, readSettings } from './role.ts'
import { readRoom } from './room.ts'

/** Whether mint and set would work, by what the admin can read. Changes nothing. */
export async function lookAhead(session: AdminSession, pair: Pair, current: string, next: string): Promise<Answer<Preflight>> {
  const [server] = await session.query<{ version: string; standby: boolean; id: string }>(
    `SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby, system_identifier::text AS id
     FROM pg_control_system()`)
  if (server?.standby !== false) return refused('UNREACHABLE', 'the admin address is a read-only standby; name the primary')

  const roles = await readRoles(session, pair.all)
  const original = roles.get(pair.original)
  if (original === undefined) return refused('PRINCIPAL_MISSING', pair.original)
  if (!roles.has(current)) return refused('PRINCIPAL_MISSING', current)

  const rights = await readRights(session, pair)
  // What keyturn itself works with is never ended (I4): with it would go the look, the sweep and the way back.
  if (pair.all.includes(rights.admin)) {
    const fate = pair.strategy !== 'in-place' ? 'would be turned off' : 'would be locked out by its own new password'
    return refused('RIGHTS_MISSING', `the admin logs in as ${rights.admin}, which ${fate}; give another admin`)
  }
  const settings = await readSettings(session, pair.original)
  const needed = pair.strategy !== 'in-place' && next === pair.companion ? await denied(session, settings) : []
  const missing = missingRights(rights, pair, roles, needed, session.version)
  if (missing.length > 0) return refused('RIGHTS_MISSING', `${rights.admin} lacks ${missing.join(', ')}`)

  const uses = await readUses(session, pair.all)
  if (pair.strategy !== 'in-place') {
    const busy = await whyBusy(session, pair, roles.get(next), uses.get(next) ?? [])
    if (busy !== undefined) return refused('PRINCIPAL_IN_USE', `${next}: ${busy}`)
  }
  const room = await readRoom(session, current)
  const evidence = {
    server: label(server.version.split(' ')[0] ?? ''), admin: label(rights.admin), superuser: rights.superuser,
    role: label(current), next: label(next),
    sessions: room.sessions, connections: room.total, connectionsMax: room.max,
  }
  const full = room.full(pair.strategy)
  if (full !== undefined) return refused('SLOTS_FULL', full, evidence)
  // the same however the server is addressed; a physical copy of it has the same, which locks too much, never too little
  const principal = resourceKey('principal', 'postgres', server.id, pair.original)
  return done({ evidence, fenced: rights.fences, notices: notices(pair, roles, next, rights.fences), principal })
}

/** Why the role that is to be minted is not idle; undefined when it is. */
async function whyBusy(
  session: AdminSession, pair: Pair, next: Role | undefined, uses: Parameters<typeof nameUses>[0],
): Promise<string | undefined> {
  if (next === undefined) return undefined
  if (uses.length > 0) return `in use by ${nameUses(uses)}`
  if (next.canLogin && next.bare !== true) return 'it may log in, so somebody may have its password'
  if (next.name !== pair.companion) return undefined
  const [state] = await session.query<{ ours: boolean; members: number }>(
    `SELECT EXISTS (SELECT FROM pg_db_role_setting s
                    WHERE s.setrole = r.oid AND s.setdatabase = 0 AND $2 = ANY (s.setconfig)) AS ours,
            (SELECT count(*)::int FROM pg_auth_members m WHERE m.roleid = r.oid AND NOT m.admin_option) AS members
     FROM pg_roles r WHERE r.rolname = $1`, [pair.companion, `role=${pair.original}`])
  const isGroup = state !== undefined && !state.ours && state.members > 0
  return isGroup ? 'other roles are members of it; name another companion' : undefined
}

function notices(pair: Pair, roles: ReadonlyMap<string, Role>, next: string, fences: boolean): readonly string[] {
  const until = next === pair.companion ? undefined : roles.get(next)?.validUntil
  const superuser = pair.strategy !== 'in-place' && roles.get(pair.original)?.superuser === true
  return [
    ...(fences ? [] : ['unfenced: the admin may not set keyturn.fence; GRANT SET ON PARAMETER keyturn.fence TO it changes that']),
    ...(until === undefined ? [] : [`the password of ${next} runs out at ${new Date(until).toISOString()}`]),
    ...(superuser ? [`${pair.original} is a superuser, and so becomes the companion`] : []),
  ]
}

/** See {@link probePair}: with a password that nobody has. Undefined when a verdict means something. */
export function proveProbe(
  current: Credential, endpoints: readonly string[],
  probe: (credential: Credential, endpoint: string) => Promise<Answer<Verdict>>,
): Promise<Answer<never> | undefined> {
  const shown = { current, wrong: { id: current.id, fields: { ...current.fields, password: new Secret(generate(ALNUM, 40)) } } }
  return probePair(endpoints, (which, endpoint) => probe(shown[which], endpoint), (seen, endpoint) => contradiction(seen, endpoint) ?? inconclusive(seen, endpoint))
}

function inconclusive({ code }: Verdict, endpoint: string): Answer<never> {
  const evidence = { endpoint: label(endpoint), code: label(code) }
  if (code === '53300') return refused('SLOTS_FULL', `${endpoint} has no connection left for a probe`, evidence)
  if (/^(E[A-Z]|CONNECTION_LOST|57P)/.test(code)) return unknown('UNREACHABLE', endpoint, evidence)
  const about = `the role cannot log in for a probe at ${endpoint}; see \`database\` and pg_hba.conf`
  return refused('PRECONDITION_FAILED', about, evidence)
}
