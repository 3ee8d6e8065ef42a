import { createHash } from 'node:crypto'
import type { Fields } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** The users of one principal. `alternate` works with both, the others with the original alone. */
export interface Principal {
  readonly strategy: IssuerConfig['strategy']
  readonly original: string
  readonly companion: string
  /** The original, and the companion where there is one. */
  readonly all: readonly string[]
}

/** The principal that a configuration names. */
export function principalOf(config: IssuerConfig): Principal {
  const companion = config.companion ?? `${config.user}_alt`
  return {
    strategy: config.strategy, original: config.user, companion,
    all: config.strategy === 'alternate' ? [config.user, companion] : [config.user],
  }
}

/**
 * Which credential has these fields. With two passwords of one user the id is told by the value: `app#` and the beginning of its
 * SHA-256, which nobody can turn back as long as passwords are random.
 */
export function idOf({ all, strategy }: Principal, { user, password }: Fields): string | undefined {
  const name = all.find((one) => one === user?.reveal())
  if (name === undefined || strategy !== 'overlap') return name
  if (password === undefined) return undefined
  return `${name}#${createHash('sha256').update(`keyturn:${name}:${password.reveal()}`).digest('hex').slice(0, 16)}`
}

/** The user to mint when the credential of `id` is in use; without a pair it is the same. */
export function otherOf({ all, original }: Principal, id: string): string {
  return all.find((user) => user !== id) ?? original
}
