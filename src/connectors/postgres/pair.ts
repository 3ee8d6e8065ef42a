import type { Fields } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** The roles of one principal. `alternate` works with both, `in-place` with the original alone. */
export interface Pair {
  readonly strategy: 'alternate' | 'in-place'
  readonly original: string
  readonly companion: string
  /** The original, and the companion where there is one. */
  readonly all: readonly string[]
}

/** The pair that a configuration names. */
export function pairOf(config: IssuerConfig): Pair {
  const companion = config.companion ?? `${config.role}_alt`
  return {
    strategy: config.strategy, original: config.role, companion,
    all: config.strategy === 'alternate' ? [config.role, companion] : [config.role],
  }
}

/** Which role of the pair these fields belong to. */
export function memberOf(pair: Pair, fields: Fields): string | undefined {
  return pair.all.find((role) => role === fields['user']?.reveal())
}

/** The one to mint when the other is in use; in place it is the same. */
export function otherOf(pair: Pair, id: string): string {
  return pair.all.find((role) => role !== id) ?? pair.original
}
