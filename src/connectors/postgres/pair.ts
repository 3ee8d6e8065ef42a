import type { Fields } from '../../kit/index.ts'
import { isDated, nextDated } from './dated.ts'
import type { IssuerConfig } from './manifest.ts'

/** The roles of one principal. `alternate` works with both of a pair, `overlap` with a fresh dated one each time, `in-place` with the original alone. */
export interface Pair {
  readonly strategy: IssuerConfig['strategy']
  readonly original: string
  /** The one that is made an equal of the original; of `overlap` the one that a call is about. */
  readonly companion: string
  /** The original, and the companion where there is one. */
  readonly all: readonly string[]
}

/** The pair that a configuration names. With `overlap` it is that of the dated role among `ids`; the original by itself without one. */
export function pairOf(config: IssuerConfig, ...ids: readonly string[]): Pair {
  const { strategy, role: original } = config
  const dated = ids.filter((id) => isDated(original, id))
  const companion = strategy === 'overlap' ? (dated.at(-1) ?? original) : (config.companion ?? `${original}_alt`)
  const all = { alternate: [original, companion], overlap: [original, ...dated], 'in-place': [original] }[strategy]
  return { strategy, original, companion, all: [...new Set(all)] }
}

/** Which role of the principal these fields belong to. */
export function memberOf(config: IssuerConfig, fields: Fields): string | undefined {
  const user = fields['user']?.reveal() ?? ''
  return pairOf(config, user).all.find((role) => role === user)
}

/** The one to mint when this one is in use; in place it is the same. */
export function otherOf(config: IssuerConfig, id: string, now: number): string {
  if (config.strategy === 'overlap') return nextDated(config.role, id, now)
  return pairOf(config).all.find((role) => role !== id) ?? config.role
}
