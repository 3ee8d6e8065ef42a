import type { Session } from './session.ts'

type Right = readonly [right: string, actions: readonly string[]]

/**
 * What the rotation does on Enterprise, as one would grant it, and the actions in SHOW PRIVILEGES that allow it (the server's own table of
 * which action satisfies which).
 */
const ALTERNATE: readonly Right[] = [
  ['SHOW USER', ['show_user', 'user_management']],
  ['CREATE USER', ['create_user', 'user_management']],
  ['DROP USER', ['drop_user', 'user_management']],
  ['SET USER STATUS', ['set_user_status', 'alter_user', 'user_management']],
  ['ASSIGN ROLE', ['assign_role', 'role_management']],
]
const IN_PLACE: readonly Right[] = [
  ['SHOW USER', ['show_user', 'user_management']],
  ['SET PASSWORDS', ['set_passwords', 'set_auth', 'alter_user', 'user_management']],
]

/** Connections of others are shown to, and ended by, who may do so with transactions. */
const CONNECTIONS: Right = ['TRANSACTION MANAGEMENT ON DATABASE *', ['transaction_management']]

/**
 * Every right that the rotation needs and the admin lacks, named as one would grant it. Empty: all there. A denied one is missing,
 * whatever grants it. Everybody may read this of himself:
 * https://neo4j.com/docs/operations-manual/current/authentication-authorization/manage-privileges/#access-control-list-privileges
 */
export async function missingRights(session: Session, alternate: boolean): Promise<readonly string[]> {
  const { rows } = await session.run('SHOW USER PRIVILEGES YIELD access, action, segment')
  const whole = rows.filter(({ segment }) => !/^USER\((?!\*)/.test(String(segment)))
  const actions = (access: string): ReadonlySet<string> => new Set(whole.filter((row) => row['access'] === access).map(({ action }) => String(action)))
  const [granted, denied] = [actions('GRANTED'), actions('DENIED')]
  const may = (names: readonly string[], more: readonly string[]): boolean =>
    [...names, ...more].some((one) => granted.has(one)) && ![...names, ...more].some((one) => denied.has(one))
  const users = (alternate ? ALTERNATE : IN_PLACE).filter(([, names]) => !may(names, ['dbms_actions', 'admin'])).map(([right]) => `${right} ON DBMS`)
  return may(CONNECTIONS[1], ['admin']) ? users : [...users, CONNECTIONS[0]]
}
