import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { label } from '../kit/answer.ts'
import { KeyturnError } from '../kit/error.ts'
import { Secret } from '../kit/secret.ts'

/** Where a state lies: in a folder of this machine, by its path, or in a database that several machines share. */
export type StatePlace = string | DatabasePlace

/** A PostgreSQL database. */
export interface DatabasePlace {
  readonly url: Secret
  /** The folder for what belongs to this machine alone; each state makes one of its own in it. */
  readonly host: string
}

/**
 * The place that a text names, its references resolved: a `postgres://` URL, or a folder that starts from `base`. Pure but for the
 * user's home folder. Throws REFERENCE_UNRESOLVED for any other URL.
 */
export function placeOf(text: Secret | string, base: string, env: Readonly<Record<string, string | undefined>>): StatePlace {
  const named = typeof text === 'string' ? text : text.reveal()
  if (/^postgres(ql)?:\/\//.test(named)) return { url: typeof text === 'string' ? new Secret(text) : text, host: hostFolder(env) }
  if (/^\w+:\/\//.test(named)) throw new KeyturnError('REFERENCE_UNRESOLVED', 'the state is a folder or a postgres:// URL, and this is another one')
  return resolve(base, named)
}

/** The schema of the tables, when the URL names no other one. */
const SCHEMA = 'keyturn'

/** The schema in which the state lies: what the URL names with `options=-c search_path=NAME`, else `keyturn`. */
export function schemaOf(url: Secret): string {
  const options = URL.parse(url.reveal())?.searchParams.get('options') ?? ''
  return /search_path\s*=\s*"?([^\s",]+)/.exec(options)?.[1] ?? SCHEMA
}

/** How a place is called in messages: of a URL host, port, database and schema, never who logs in nor with what. */
export function nameOfPlace(place: StatePlace): string {
  if (typeof place === 'string') return place
  const url = URL.parse(place.url.reveal())
  return url === null ? 'a PostgreSQL database' : `${label(`postgres://${url.host}${url.pathname}`)} (schema ${label(schemaOf(place.url))})`
}

/** `keyturn` in the user's folder for what a program leaves on one machine: basedir-spec, XDG_STATE_HOME. */
function hostFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'keyturn')
}
