import { type Answer, type Call, type Evidence, type MintIntent, type TaskRequest, ask, done, refused } from '../../kit/index.ts'
import { nameUses, readUses } from './activity.ts'
import { type AdminSession, change } from './admin.ts'
import { equalise } from './companion.ts'
import { sqlState } from './failure.ts'
import { type Pair } from './pair.ts'
import { identifier, literal } from './quote.ts'
import { readRights } from './rights.ts'
import { readRoles, readSettings } from './role.ts'
import { isPlain, scramVerifier } from './verifier.ts'

export interface MintWays {
  readonly pair: Pair
  readonly send: 'verifier' | 'clear'
  /** Whether this very credential is accepted now: then sessions on its role are ours, from an earlier run of this mint. */
  accepted(): Promise<boolean>
}

/**
 * Gives the role its new password, in one transaction behind the fence. With two roles: makes the companion an equal first, turns
 * the login on, and refuses PRINCIPAL_IN_USE when somebody is logged in with another password. May be repeated.
 */
export async function mint(
  session: AdminSession, ways: MintWays, intent: MintIntent, call: Call,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  const { pair } = ways
  const { id, fields: { password } } = intent.credential
  if (password === undefined || !pair.all.includes(id)) return refused('PRINCIPAL_MISSING', `${id} is not of this principal`)
  if (!isPlain(password)) return refused('VALUE_UNREADABLE', 'a PostgreSQL password must be of printable ASCII characters here')
  if (pair.strategy !== 'in-place') {
    const uses = (await readUses(session, [id])).get(id) ?? []
    if (uses.length > 0 && !(await ways.accepted())) return refused('PRINCIPAL_IN_USE', `${id}: ${nameUses(uses)}`)
  }
  return change(session, pair.original, call, async () => {
    const created = id === pair.companion && pair.strategy !== 'in-place' ? await prepareCompanion(session, pair) : false
    if (ways.send === 'clear') await quieten(session)
    const sent = ways.send === 'clear' ? password.reveal() : scramVerifier(password)
    const login = pair.strategy !== 'in-place' ? 'LOGIN ' : ''
    try {
      await session.query(`ALTER ROLE ${identifier(id)} WITH ${login}PASSWORD ${literal(sent)}`)
    } catch (thrown) {
      if (ways.send === 'verifier' && refusesHash(sqlState(thrown))) return ask(sendClear(id))
      throw thrown
    }
    return done({ evidence: { role: id, created, sent: ways.send } })
  })
}

/** Answers whether it had to be created. */
async function prepareCompanion(session: AdminSession, pair: Pair): Promise<boolean> {
  const roles = await readRoles(session, pair.all)
  const original = roles.get(pair.original)
  if (original === undefined) throw new Error('the original role vanished within the transaction')
  const existing = roles.get(pair.companion)
  const settings = await readSettings(session, pair.original)
  const statements = equalise(original, pair.companion, existing, settings, await readRights(session, pair), session.version)
  await session.query(statements.join(';\n'))
  return existing === undefined
}

/** Keeps the clear password out of the log where this admin may say so: only a superuser may. */
async function quieten(session: AdminSession): Promise<void> {
  await session.query(`SET LOCAL password_encryption = 'scram-sha-256'; SELECT set_config(name, value, true)
    FROM (VALUES ('log_statement', 'none'), ('log_min_duration_statement', '-1'), ('log_min_error_statement', 'panic'))
      AS quiet (name, value)
    WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`)
}

/**
 * Refusals of the statement that mean the form of the password: extensions and managed servers use 28P01, 22023, 22000, 0A000 or
 * P0001, there is no standard for it. Rights (42501) and absence (42704) are told apart by their own codes.
 */
function refusesHash(sqlstate: string | undefined): boolean {
  return sqlstate !== undefined && /^(28|22|0A|P0)/.test(sqlstate)
}

function sendClear(role: string): TaskRequest {
  return {
    kind: 'prepare',
    title: `Let the password of ${role} be sent in clear, or let the server take verifiers`,
    steps: [
      'The server refused a pre-hashed password (code HASH_REFUSED); nothing was changed.',
      'Either set `send: clear` under `issuer` in the manifest.',
      'The password then crosses the connection, so use sslmode=verify-full, and the server may log it.',
      'Or turn off the server\'s rule against pre-hashed passwords.',
      'Then run `keyturn resume`.',
    ],
  }
}
