import { type Candidate, hasValue } from './candidates.ts'
import type { Findings, Sighting } from './findings.ts'
import { placeOf } from './seen.ts'
import { isName, type Shape } from './trace.ts'

/** What makes a secret, and how its fields sit in each place. */
export interface Issuance {
  /** The block under `issuer:`; absent when it is not known who makes it. */
  readonly issuer?: Readonly<Record<string, unknown>>
  /** How the value sits under a key. */
  readonly binding: (sighting: Sighting) => unknown
  /** Keys beside the ones that hold the value: users that change with the password. */
  readonly more: readonly Sighting[]
  /** What is not certain; nothing when this can be written as it is. */
  readonly why: readonly string[]
  readonly notes: readonly string[]
}

/** The issuer of a candidate, named `name`. Pure. */
export function issuanceOf(candidate: Candidate, name: string, findings: Findings): Issuance {
  const { kind } = candidate
  if (candidate.mixed) return unknownIssuer('one value serves several purposes here: give each its own first')
  switch (kind.is) {
    case 'login':
      return kind.server === 'PostgreSQL' ? postgresLogin(candidate, findings) : otherLogin(candidate, findings, kind.server)
    case 'self-made':
      return selfMade(candidate, name)
    case 'provider':
      return unknownIssuer(`${kind.provider} makes it: a new one comes from its console or its API`)
    case 'stored-data':
      return unknownIssuer('stored data may be encrypted or hashed with it: another value makes that data unreadable, so it is not rotated without a migration')
    case 'key-pair':
      return unknownIssuer('a private key: whoever holds its public half has to get the new one first')
    case 'perhaps':
      return unknownIssuer('it looks as if it were made at random, and its name does not say secret: is it one, and who makes it?')
    case 'unknown':
    case 'no-secret':
      return unknownIssuer('who makes it and who checks it cannot be told from its name')
  }
}

function unknownIssuer(why: string): Issuance {
  return { binding: () => '{value}', more: [], why: [why], notes: [] }
}

function selfMade({ held }: Candidate, name: string): Issuance {
  const shapes = held.flatMap(({ trace }) => trace?.shape ?? [])
  const [shape] = shapes
  return {
    issuer: { use: 'random', name, ...formatLike(shape) },
    binding: () => '{value}',
    more: [],
    why: shapes.length === 0 ? ['its value cannot be seen here, so what form a new one needs is not known'] : [],
    notes: shape?.is === 'text' || shape?.is === 'plain' || shape?.is === 'number' ? ['the value there does not look random; the new one will be 32 random bytes in hex'] : [],
  }
}

/** Longer texts are data; `random` makes none of them. */
const LONGEST = 4096

/** As the value that is there, but never below what `random` takes (128 bits). */
function formatLike(shape: Shape | undefined): Readonly<Record<string, unknown>> {
  if (shape?.is === 'uuid') return { format: 'uuid' }
  if (shape !== undefined && 'length' in shape && shape.length <= LONGEST) {
    const { is, length } = shape
    if (is === 'hex') return { format: is, bytes: Math.floor(length / 2) }
    if (is === 'base64' && length >= 24) return { format: is, length }
    if (is === 'base64url' && length >= 22 && length % 4 !== 1) return { format: is, length }
    if (is === 'alnum' && length >= 22) return { format: is, length }
  }
  return { format: 'hex', bytes: 32 }
}

const UNKNOWN_SERVER = 'a password, and which server accepts it cannot be told from its name'
const ADMIN = /(?:^|_)(?:ADMIN|ROOT|SUPERUSER)(?:_|$)/i

/** The keys of the user that belong to a password, in the same file. */
function userKeys(held: readonly Sighting[], findings: Findings): readonly Sighting[] {
  return held.flatMap((sighting) => {
    const { key, seen, trace, holder } = sighting
    if (trace?.shape.is === 'login' || holder.is !== 'env-file') return []
    const hint = findings.logins.find((login) => login.envFile === seen.file && login.password === key)?.user
    const names = hint === undefined ? userNames(key) : 'variable' in hint ? [hint.variable] : []
    return findings.sightings.filter((each) => each.seen.file === seen.file && names.includes(each.key) && hasValue(each)).slice(0, 1)
  })
}

function userNames(key: string): readonly string[] {
  return ['USER', 'USERNAME'].map((word) => key.replace(/(?:PASSWORD|PASSWD|PASS|PWD)$/, word)).filter((name) => name !== key)
}

function postgresLogin({ held }: Candidate, findings: Findings): Issuance {
  const logins = held.flatMap(({ trace }) => (trace?.shape.is === 'login' ? [trace.shape] : []))
  const users = userKeys(held, findings)
  const hinted = held.flatMap(({ key, seen }) => findings.logins.filter((login) => login.envFile === seen.file && login.password === key))
  const fixed = hinted.flatMap(({ user, seen }) => (user !== undefined && 'name' in user ? [{ name: user.name, seen }] : []))
  const roles = new Set([
    ...logins.flatMap(({ user }) => user ?? []),
    ...users.flatMap(({ trace }) => (trace?.shape.is === 'user' ? [trace.shape.name] : [])),
    ...fixed.map(({ name }) => name).filter(isName),
  ])
  const [role] = roles
  const bare = held.filter(({ trace, holder }) => trace?.shape.is !== 'login' && holder.is === 'env-file')
  const pair = fixed.length === 0 && bare.every(({ seen }) => users.some((user) => user.seen.file === seen.file)) && logins.every(({ hasUser }) => hasUser)
  const place = fixed[0] === undefined ? '' : ` in ${placeOf(fixed[0].seen)}`
  return {
    ...(role === undefined || roles.size > 1 ? {} : { issuer: { use: 'postgres', ...(pair ? {} : { strategy: 'in-place' }), role } }),
    binding: ({ trace, key }) => bindingOf(trace?.shape, users.some((user) => user.key === key), pair),
    more: pair ? users : [],
    why: [
      ...(role === undefined ? ['the role whose password it is does not stand beside it'] : []),
      ...(roles.size > 1 ? ['it stands beside the names of several roles'] : []),
      ...(new Set(logins.map(({ password }) => password.id)).size > 1 ? ['the places disagree on its password'] : []),
      ...(held.some(({ key }) => ADMIN.test(key)) ? ['by its name it is the login of an admin, with which keyturn itself may work'] : []),
    ],
    notes: [
      ...(pair ? [] : [`the name of the role stands fast${place}, so there is one role and a gap; beside the password it could be \`alternate\`, without a gap`]),
      ...(new Set(logins.map(({ account }) => account)).size > 1 ? ['it is used at several addresses (a pooler, a replica?): name each under `endpoints`'] : []),
    ],
  }
}

function bindingOf(shape: Shape | undefined, isUser: boolean, pair: boolean): unknown {
  if (isUser) return '{user}'
  if (shape?.is !== 'login') return '{password}'
  return pair ? { url: { user: 'user', password: 'password' } } : { url: 'password' }
}

function otherLogin({ held }: Candidate, findings: Findings, server: string | undefined): Issuance {
  const hint = held.flatMap(({ key, seen }) => findings.logins.filter((login) => login.envFile === seen.file && login.password === key))[0]
  if (hint?.server === 'PostgreSQL') return postgresLogin({ kind: { is: 'login', server: hint.server }, held, mixed: false }, findings)
  const known = server ?? hint?.server
  return {
    binding: ({ trace }) => bindingOf(trace?.shape, false, false),
    more: [],
    why: [known === undefined ? UNKNOWN_SERVER : `the login of ${known}: say how its password is changed and tried`],
    notes: [],
  }
}
