import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Credential, type Preflight, Secret, type Verdict, done, label, refused, unknown } from '../../kit/index.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import { type AccountState, accountsOf, readAccounts } from './accounts.ts'
import { nameUses, readUses } from './activity.ts'
import type { AdminSession } from './admin.ts'
import { countDefined } from './definer.ts'
import { isFull, whyNoDual } from './dual.ts'
import { showCreate, showGrants } from './equal.ts'
import type { IssuerConfig } from './manifest.ts'
import { whyUnfit } from './mint.ts'
import { otherOf, type Principal } from './principal.ts'
import { missingRights } from './rights.ts'
import { readRoom } from './room.ts'

/** Whether mint and set would work, by what the admin can read. Changes nothing. */
export async function lookAhead(
  session: AdminSession, principal: Principal, config: Pick<IssuerConfig, 'lockout' | 'send'>, current: string, inClear: boolean,
): Promise<Answer<Preflight>> {
  const { strategy, all, original } = principal
  const next = otherOf(principal, current)
  const alternate = strategy === 'alternate'
  const [server] = await session.query<{ readOnly: unknown; admin: string }>('SELECT @@global.read_only AS readOnly, CURRENT_USER() AS admin')
  if (Number(server?.readOnly ?? 0) !== 0) return refused('UNREACHABLE', 'the admin address is read-only; name the primary')
  const admin = server?.admin.replace(/@[^@]*$/, '') ?? ''
  // What keyturn itself works with is never ended (I4).
  if (all.includes(admin)) return refused('RIGHTS_MISSING', `the admin logs in as ${label(admin)}, which is what is rotated; give another admin`)
  const why = strategy === 'overlap' ? whyNoDual(session) : undefined
  if (why !== undefined) return refused('PRECONDITION_FAILED', why)

  const rights = await showGrants(session, 'CURRENT_USER')
  const blind = missingRights(rights, session.flavour, alternate, [])
  if (blind.length > 0) return refused('RIGHTS_MISSING', `${label(admin)} lacks ${blind.join(', ')}`)
  const accounts = await readAccounts(session, all)
  const own = accountsOf(accounts, current)
  if (own.length === 0) return refused('PRINCIPAL_MISSING', current)
  const copied = alternate ? (await Promise.all(own.map((one) => showGrants(session, one)))).flat() : []
  const missing = missingRights(rights, session.flavour, alternate, copied)
  if (missing.length > 0) return refused('RIGHTS_MISSING', `${label(admin)} lacks ${missing.join(', ')}`)

  const unfit = whyUnfit(own) ?? whyDifferent(own) ?? await whyLocking(session, own, config.lockout)
  if (unfit !== undefined) return refused('PRECONDITION_FAILED', unfit)
  const busy = alternate ? await whyBusy(session, accountsOf(accounts, next)) : undefined
  if (busy !== undefined) return refused('PRINCIPAL_IN_USE', `${next}: ${busy}`)
  if (strategy === 'overlap' && await isFull(session, original)) return refused('SLOTS_FULL', `${original} has a second password already`)
  const room = await readRoom(session, current)
  const evidence = {
    server: label(session.version), admin: label(admin), user: label(current), next: label(next), accounts: own.length,
    sessions: room.sessions, connections: room.total, connectionsMax: room.max,
  }
  const full = room.full()
  if (full !== undefined) return refused('SLOTS_FULL', full, evidence)
  const defined = alternate ? await countDefined(session, own) : 0
  return done({ evidence, fenced: false, notices: notices(strategy, current, defined, inClear && (config.send === 'clear' || own.some(({ plugin }) => plugin !== 'mysql_native_password'))) })
}

/** A hash without salt tells: accounts of one name that hold different passwords are not one credential. */
function whyDifferent(accounts: readonly AccountState[]): string | undefined {
  const [first] = accounts
  const other = accounts.find((one) => one.plugin === 'mysql_native_password' && first?.plugin === one.plugin && one.kept !== first.kept)
  if (first === undefined || other === undefined) return undefined
  return `${first.user}@${first.host} and ${other.user}@${other.host} have different passwords; give them one, or drop what is not used`
}

/** Wrong logins are part of the proofs: the engine has to know when they would lock the account. */
async function whyLocking(session: AdminSession, accounts: readonly AccountState[], known: number | undefined): Promise<string | undefined> {
  const limits: number[] = []
  if (session.flavour === 'mariadb') {
    const [row] = await session.query<{ most: unknown }>('SELECT @@global.max_password_errors AS most')
    limits.push(Number(row?.most))
  } else {
    for (const one of accounts) {
      const attempts = Number(/ FAILED_LOGIN_ATTEMPTS (\d+)/.exec(await showCreate(session, one))?.[1] ?? 0)
      if (attempts > 0) limits.push(attempts)
    }
  }
  const least = Math.min(...limits)
  // MariaDB's default is the greatest number of 32 bits; nobody gets there.
  if (!Number.isFinite(least) || least > 1000 || (known !== undefined && known <= least)) return undefined
  return `the server locks the account after ${least} wrong passwords: write \`lockout: ${least}\` under \`issuer\``
}

/** Why the user that is to be minted is not idle; undefined when it is. */
async function whyBusy(session: AdminSession, next: readonly AccountState[]): Promise<string | undefined> {
  const [first] = next
  if (first === undefined) return undefined
  const uses = (await readUses(session, [first.user])).get(first.user) ?? []
  if (uses.length > 0) return `in use by ${nameUses(uses)}`
  const open = next.find(({ locked }) => !locked)
  return open === undefined ? undefined : `${open.user}@${open.host} is not locked, so somebody may have its password`
}

function notices(strategy: Principal['strategy'], current: string, defined: number, crosses: boolean): readonly string[] {
  return [
    'unfenced: the server cannot compare; one run at a time is held by a lock of the server',
    ...(strategy === 'overlap' ? ['the server does not tell with which of the two passwords a session began: those that began with the old one live on'] : []),
    ...(defined > 0 ? [`${current} is the definer of ${defined} stored objects, so it stays when it is ended: locked, with a password that nobody has`] : []),
    ...(crosses ? ['the password crosses the connection of the admin without TLS: add ssl-mode=VERIFY_IDENTITY to its URL'] : []),
  ]
}

/** See {@link probePair}: with a password that nobody has. Undefined when a verdict means something. */
export function proveProbe(
  current: Credential, endpoints: readonly string[], probe: (credential: Credential, endpoint: string) => Promise<Answer<Verdict>>,
): Promise<Answer<never> | undefined> {
  const shown = { current, wrong: { id: current.id, fields: { ...current.fields, password: new Secret(generate(ALNUM, 40)) } } }
  return probePair(endpoints, (which, endpoint) => probe(shown[which], endpoint), (seen, endpoint) => contradiction(seen, endpoint) ?? inconclusive(seen, endpoint))
}

function inconclusive({ code }: Verdict, endpoint: string): Answer<never> {
  const evidence = { endpoint: label(endpoint), code: label(code) }
  if (code === '1040' || code === '1203' || code === '1226') return refused('SLOTS_FULL', `${endpoint} has no connection left for a probe`, evidence)
  if (/^(E[A-Z]|CONNECTION_LOST)/.test(code)) return unknown('UNREACHABLE', endpoint, evidence)
  return refused('PRECONDITION_FAILED', `the user cannot log in for a probe at ${endpoint}; see \`database\`, its hosts and REQUIRE`, evidence)
}
