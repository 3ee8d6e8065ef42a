import type { IssuerConfig } from './manifest.ts'

/** The users of one principal. `alternate` works with both, `in-place` with the original alone. */
export interface Principal {
  readonly strategy: IssuerConfig['strategy']
  readonly original: string
  /** The original, and the companion where there is one. */
  readonly all: readonly string[]
}

/** The principal that a configuration names. */
export function principalOf({ user, companion, strategy }: IssuerConfig): Principal {
  return { strategy, original: user, all: strategy === 'alternate' ? [user, companion ?? `${user}_alt`] : [user] }
}

/** The one to mint when the other is in use; in place it is the same. */
export function otherOf({ all, original }: Principal, id: string): string {
  return all.find((user) => user !== id) ?? original
}
