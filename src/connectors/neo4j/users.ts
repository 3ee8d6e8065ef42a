import type { CredentialState } from '../../kit/index.ts'
import type { Session } from './session.ts'

/** A user as the server lists it. */
export interface User {
  readonly name: string
  /** Without PUBLIC, which everybody has. Empty on Community, where there are none. */
  readonly roles: readonly string[]
  /** Its home database; undefined for the default one, and on Community. */
  readonly home: string | undefined
  /** It may log in, and then do nothing but change its password. */
  readonly mustChange: boolean
  readonly state: Exclude<CredentialState, 'gone'>
}

/** All users by name. https://neo4j.com/docs/operations-manual/current/authentication-authorization/manage-users/#access-control-list-users */
export async function readUsers(session: Session): Promise<ReadonlyMap<string, User>> {
  const { rows } = await session.run('SHOW USERS YIELD user, roles, passwordChangeRequired, suspended, home')
  return new Map(rows.map((row): [string, User] => {
    const { user, roles, passwordChangeRequired, suspended, home } = row
    const name = String(user)
    return [name, {
      name, mustChange: passwordChangeRequired === true, state: suspended === true ? 'off' : 'on',
      roles: Array.isArray(roles) ? roles.map(String).filter((role) => role !== 'PUBLIC') : [],
      home: typeof home === 'string' ? home : undefined,
    }]
  }))
}

/** What the server is, by its own words: `community` or `enterprise`, `5.26.30`. https://neo4j.com/docs/operations-manual/current/procedures/#procedure_dbms_components */
export async function readServer(session: Session): Promise<{ readonly edition: string; readonly version: string }> {
  const { rows } = await session.run('CALL dbms.components() YIELD name, versions, edition')
  const kernel = rows.find(({ name }) => name === 'Neo4j Kernel')
  const versions: unknown = kernel?.['versions']
  return { edition: String(kernel?.['edition'] ?? ''), version: Array.isArray(versions) ? String(versions[0]) : '' }
}
