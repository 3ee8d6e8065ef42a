import type { Packed } from './fake-packstream.ts'

/** The server says no, with a code of its own. */
export class FakeRefusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = `Neo.${code}`
  }
}

interface FakeUser {
  password: string
  mustChange: boolean
  suspended: boolean
  home: string | null
  readonly roles: Set<string>
  /** Wrong passwords in a row. */
  wrong: number
}

type Parameters = { readonly [key: string]: Packed }

const NO_STATUS = "'SET STATUS' is not available in community edition."
const MOST_WRONG = 3

/** The users of a server, with the rules and the texts of Neo4j 5.26.30 Community; what only Enterprise has is from its documentation. */
export class FakeUsers {
  readonly all = new Map<string, FakeUser>()
  /** What SHOW USER PRIVILEGES of the admin shows, on Enterprise. */
  readonly actions: string[] = ['transaction_management', 'dbms_actions', 'match', 'write', 'access']
  readonly #enterprise: boolean

  constructor(enterprise: boolean) {
    this.#enterprise = enterprise
  }

  /** Lets somebody in, or says why not. Too many wrong passwords in a row shut a user out, the right one too, until {@link forgive}. */
  login(name: string, password: string): void {
    const user = this.all.get(name)
    if (user !== undefined && user.wrong >= MOST_WRONG) {
      throw new FakeRefusal('ClientError.Security.AuthenticationRateLimit', 'The client has provided incorrect authentication details too many times in a row.')
    }
    if (user?.password === password && !user.suspended) {
      user.wrong = 0
      return
    }
    if (user !== undefined) user.wrong += 1
    throw new FakeRefusal('ClientError.Security.Unauthorized', 'The client is unauthorized due to authentication failure.')
  }

  /** The time is over for which wrong passwords shut users out. */
  forgive(): void {
    for (const user of this.all.values()) user.wrong = 0
  }

  /** Whether such a user may do nothing but change its password. */
  mustChange(name: string): boolean {
    return this.all.get(name)?.mustChange === true
  }

  /** Carries out a command that changes users; answers how many changes it made. Undefined when it is none. */
  change(command: string, parameters: Parameters): number | undefined {
    const name = textOf(parameters['user'])
    const create = /^CREATE( OR REPLACE)? USER \$user( IF NOT EXISTS)? SET PASSWORD \$password CHANGE (NOT )?REQUIRED( SET STATUS SUSPENDED)?( SET HOME DATABASE \$home)?$/.exec(command)
    if (create !== null) {
      const [, or, unless, not, suspended, home] = create
      if (!this.#enterprise && (suspended ?? home) !== undefined) throw new FakeRefusal('DatabaseError.Statement.ExecutionFailed', `Failed to create the specified user '${name}': ${NO_STATUS}`)
      if (this.all.has(name) && unless !== undefined) return 0
      if (this.all.has(name) && or === undefined) throw argument(`Failed to create the specified user '${name}': User already exists.`)
      this.all.set(name, { password: passwordOf(parameters), mustChange: not === undefined, suspended: suspended !== undefined, home: home === undefined ? null : textOf(parameters['home']), roles: new Set(), wrong: 0 })
      return 1
    }
    if (command === 'DROP USER $user IF EXISTS') return this.all.delete(name) ? 1 : 0
    const alter = /^ALTER USER \$user SET (PASSWORD \$password CHANGE NOT REQUIRED|STATUS (ACTIVE|SUSPENDED))$/.exec(command)
    const grant = /^(GRANT|REVOKE) ROLE \$role (?:TO|FROM) \$user$/.exec(command)
    if (alter === null && grant === null) return undefined
    if (grant !== null && !this.#enterprise) throw new FakeRefusal('ClientError.Statement.UnsupportedAdministrationCommand', `Unsupported administration command: ${command}`)
    const user = this.all.get(name)
    if (user === undefined) throw argument(`Failed to alter the specified user '${name}': User does not exist.`)
    if (grant !== null) return this.#grant(user, grant[1] === 'GRANT', textOf(parameters['role']))
    const status = alter?.[2]
    if (status !== undefined) {
      if (!this.#enterprise) throw new FakeRefusal('DatabaseError.Statement.ExecutionFailed', `Failed to alter the specified user '${name}': ${NO_STATUS}`)
      user.suspended = status === 'SUSPENDED'
      return 1
    }
    const password = passwordOf(parameters)
    if (user.password === password) throw argument(`Failed to alter the specified user '${name}': Old password and new password cannot be the same.`)
    // What was counted of wrong passwords stays.
    Object.assign(user, { password, mustChange: false })
    return 1
  }

  #grant(user: FakeUser, give: boolean, role: string): number {
    const had = user.roles.has(role)
    if (give) user.roles.add(role)
    else user.roles.delete(role)
    return had === give ? 0 : 1
  }

  /** SHOW USERS. */
  rows(): readonly Packed[][] {
    return [...this.all].map(([name, user]) => (this.#enterprise
      ? [name, ['PUBLIC', ...user.roles], user.mustChange, user.suspended, user.home]
      : [name, null, user.mustChange, null, null]))
  }
}

function argument(message: string): FakeRefusal {
  return new FakeRefusal('ClientError.Statement.ArgumentError', message)
}

function passwordOf(parameters: Parameters): string {
  const password = textOf(parameters['password'])
  if (password.length < 8) throw argument('A password must be at least 8 characters.')
  return password
}

function textOf(value: Packed | undefined): string {
  return typeof value === 'string' ? value : ''
}
