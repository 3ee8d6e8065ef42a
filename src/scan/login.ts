import type { Seen } from './seen.ts'
import { serverOf } from './servers.ts'

/** A text puts a login together from variables: `postgres://${DB_USER}:${DB_PASSWORD}@db/shop`. */
export interface Login {
  /** The server that accepts it, `PostgreSQL`. */
  readonly server: string
  /** The variable that holds the password. */
  readonly password: string
  /** The variable that holds the user, or the user as it stands there; absent when it has none. */
  readonly user?: { readonly variable: string } | { readonly name: string }
  readonly seen: Seen
  /** The env file in which the variables are looked up, from the scanned folder. */
  readonly envFile: string
}

const variable = String.raw`\$(?:\{([A-Za-z_]\w*)[^}]*\}|([A-Za-z_]\w*))`
const composed = new RegExp(String.raw`^([a-z][a-z0-9+.-]*):\/\/(?:${variable}|([\w.-]*)):${variable}@`, 'i')

/** The login that a text puts together; undefined when it is none, or one of no server that is known. Pure. */
export function readLogin(text: string, seen: Seen, envFile: string): Login | undefined {
  const match = composed.exec(text)
  if (match === null) return undefined
  const [, scheme = '', braced, bare, name = '', passwordBraced, passwordBare] = match
  const server = serverOf(scheme)
  const password = passwordBraced ?? passwordBare
  if (server === undefined || password === undefined) return undefined
  const userVariable = braced ?? bare
  const user = userVariable === undefined ? (name === '' ? undefined : { name }) : { variable: userVariable }
  return { server, password, ...(user === undefined ? {} : { user }), seen, envFile }
}
