import type { CredentialState } from '../../kit/issuer.ts'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Fields, Secret } from '../../kit/secret.ts'
import type { IssuerConfig } from './manifest.ts'
import { publicKeyOf, userKey } from './nkey.ts'
import { type Entry, type Rights, turnedOff, turnedOn, type Users, withPassword, without, withUser } from './users.ts'

/** Which users of the file one secret is. */
export interface Principal {
  readonly strategy: IssuerConfig['strategy']
  /** Of the user, and of the comments that mark keys. */
  readonly name: string
  /** Both of a pair, or the one; empty for keys. */
  readonly users: readonly string[]
  /** Which credential these fields are; undefined when they are of another principal. */
  idOf(fields: Fields): string | undefined
  /** Those of the file that are of this secret. */
  ours(users: Users): readonly Entry[]
}

export function principalOf({ strategy, user, companion = `${user}_alt` }: Pick<IssuerConfig, 'strategy' | 'user' | 'companion'>): Principal {
  const users: readonly string[] = { alternate: [user, companion], overlap: [], 'in-place': [user] }[strategy]
  return {
    strategy, name: user, users,
    idOf: ({ user: named, seed }) => (strategy === 'overlap' ? publicKeyOf(seed?.reveal() ?? '') : users.find((one) => one === named?.reveal())),
    ours: ({ entries }) => entries.filter(({ id, mark }) => (strategy === 'overlap' ? mark === user && userKey.test(id) : users.includes(id))),
  }
}

/** Hashes a new password, and compares one with what a file holds. */
export interface Hashing {
  hash(password: Secret): Promise<string>
  /** Whether it is this one, hashed or in clear. */
  isOf(password: Secret, kept: string): Promise<boolean>
}

/** The text in which this credential is accepted; the same text when it is so already. */
export async function admit(users: Users, principal: Principal, id: string, password: Secret | undefined, { hash, isOf }: Hashing): Promise<Answer<string>> {
  const ours = principal.ours(users)
  const entry = ours.find((one) => one.id === id)
  if (ours.length === 0) return missing(users, principal, id)
  if (principal.strategy === 'in-place' && entry?.state === 'off') return refused('PRINCIPAL_MISSING', `${id} is in a comment`)
  if (password !== undefined && entry?.state === 'on') {
    return done((await isOf(password, entry.password)) ? users.text : withPassword(users, entry, await hash(password)))
  }
  const others = ours.filter((one) => one.id !== id && one.state === 'on')
  if (entry?.state === 'on') return done(users.text)
  if (principal.strategy === 'overlap' && others.length > 1) return refused('SLOTS_FULL', `${others.length} keys of ${principal.name} are on`)
  const template = entry ?? others[0] ?? ours[0]
  if (template === undefined) return missing(users, principal, id)
  const said = renamed(template.said, id, password === undefined ? undefined : await hash(password))
  return done(entry === undefined ? withUser(users, said, principal.name, template) : turnedOn(users, entry, said))
}

/** The text in which this credential has this state; undefined for `on` of one that is not there. */
export function brought(users: Users, principal: Principal, id: string, state: CredentialState): Answer<string> {
  const ours = principal.ours(users)
  const entry = ours.find((one) => one.id === id)
  if (entry === undefined) return state === 'on' ? refused('PRINCIPAL_MISSING', id) : done(users.text)
  if (state !== 'gone' && entry.state === state) return done(users.text)
  if (state === 'on') return done(turnedOn(users, entry))
  if (state === 'off') return done(turnedOff(users, entry, principal.name))
  return ours.length === 1 ? refused('NOT_NOW', `${id} is the last of ${principal.name}: nothing would say any more what it may do`) : done(without(users, entry))
}

/** Why a principal is not found. */
export function missing({ entries }: Users, { strategy, name }: Principal, id: string): Answer<never> {
  if (strategy === 'overlap' && entries.some((one) => one.id === id)) return refused('PRINCIPAL_MISSING', `no comment says whose key ${id} is: write \`// keyturn:${name}\` behind its \`{\``)
  return refused('PRINCIPAL_MISSING', `${strategy === 'overlap' ? id : name} is not in the file`)
}

/** The rights of one as those of another. */
function renamed(said: Rights, id: string, password: string | undefined): Rights {
  const { user: _, username: __, password: ___, pass: ____, nkey: _____, ...rights } = said
  return password === undefined ? { nkey: id, ...rights } : { user: id, password, ...rights }
}
