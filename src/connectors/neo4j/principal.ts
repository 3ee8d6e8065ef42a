import type { Fields } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** The users of one principal. `alternate` works with both, `in-place` with the original alone. */
export interface Principal {
  readonly strategy: IssuerConfig['strategy']
  /** Whether users have roles, and can be turned off. */
  readonly enterprise: boolean
  readonly original: string
  /** The original, and the companion where there is one. */
  readonly users: readonly string[]
}

/** The principal that a configuration names. */
export function principalOf({ strategy, edition, user, companion = `${user}_alt` }: IssuerConfig): Principal {
  return { strategy, enterprise: edition === 'enterprise', original: user, users: strategy === 'alternate' ? [user, companion] : [user] }
}

/** A credential is called as its user. Names differ by case. */
export function idOf({ users }: Principal, { user }: Fields): string | undefined {
  return users.find((one) => one === user?.reveal())
}

/** The user to mint when the credential of `id` is in use; without a pair it is the same. */
export function otherOf({ users, original }: Principal, id: string): string {
  return users.find((user) => user !== id) ?? original
}
