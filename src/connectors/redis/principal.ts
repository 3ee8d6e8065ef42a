import { scryptSync } from 'node:crypto'
import type { Fields } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { hashOf } from './user.ts'

/** The users and passwords of one principal, and how its credentials are called. */
export interface Principal {
  readonly strategy: IssuerConfig['strategy']
  readonly original: string
  readonly companion: string
  /** The original, and the companion where there is one. */
  readonly users: readonly string[]
  /** The credential that these fields are; undefined when they are of another principal. */
  idOf(fields: Fields): string | undefined
  /** With `overlap`: the credential that a listed password is. */
  idOfHash(hash: string): string
  /** The user of the credential that comes after this one. */
  userAfter(id: string): string
}

/**
 * The principal that a configuration names. A credential is called as its user; with `overlap`, where several belong to one user, by
 * a digest of the password, made with scrypt: ids are shown, and what Redis lists (a bare SHA-256) would help who guesses.
 */
export function principalOf({ strategy, user, companion = `${user}_alt` }: IssuerConfig): Principal {
  const users = strategy === 'alternate' ? [user, companion] : [user]
  const digests = new Map<string, string>()
  const idOfHash = (hash: string): string => {
    const digest = digests.get(hash) ?? scryptSync(hash, `keyturn/redis/${user}`, 6, { N: 4096 }).toString('hex')
    digests.set(hash, digest)
    return `${user}#${digest}`
  }
  return {
    strategy, original: user, companion, users, idOfHash,
    idOf({ user: named, password }) {
      const found = users.find((one) => one === named?.reveal())
      if (found === undefined || strategy !== 'overlap') return found
      return password === undefined ? undefined : idOfHash(hashOf(password))
    },
    userAfter: (id) => users.find((one) => one !== id) ?? user,
  }
}
