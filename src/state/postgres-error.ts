import { KeyturnError } from '../kit/error.ts'

/** By SQLSTATE or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html. */
const BY_SQLSTATE: readonly (readonly [states: RegExp, code: 'STATE_UNREACHABLE' | 'STATE_FULL' | 'LOCKED', about: string])[] = [
  [/^28/, 'STATE_UNREACHABLE', 'it refuses the login'],
  [/^3D000$/, 'STATE_UNREACHABLE', 'there is no such database'],
  [/^42501$/, 'STATE_UNREACHABLE', 'its role lacks a right on the tables of the state'],
  [/^53300$/, 'STATE_UNREACHABLE', 'it has no connection left'],
  [/^(08|57P)/, 'STATE_UNREACHABLE', 'the connection was cut'],
  [/^25P0[34]$/, 'STATE_UNREACHABLE', 'the connection was cut'],
  [/^53100$/, 'STATE_FULL', 'the disk is full'],
  [/^25006$/, 'STATE_FULL', 'the server only reads: it is a standby'],
  [/^(55P03|40001|40P01|57014)$/, 'LOCKED', 'the state is being written by another run'],
]

/**
 * An error of pg in keyturn's words. Without an SQLSTATE it is one of the connection: then nothing is known of the statement.
 * What is wrong with a statement itself (a constraint) stays as it is.
 */
export function postgresError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof KeyturnError) return thrown
  const state = 'severity' in thrown && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
  if (state === undefined) return thrown instanceof TypeError ? thrown : new KeyturnError('STATE_UNREACHABLE', 'there is no connection', { cause: thrown })
  const known = BY_SQLSTATE.find(([states]) => states.test(state))
  return known === undefined ? thrown : new KeyturnError(known[1], known[2], { cause: thrown })
}

/** Whether nothing is known of what was sent last. */
export function isUnreachable(thrown: unknown): boolean {
  return thrown instanceof KeyturnError && thrown.code === 'STATE_UNREACHABLE'
}
