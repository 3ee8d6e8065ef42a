import type { ConnectorManifest, Strategy } from '../../src/kit/index.ts'
import type { Claim } from '../../test/systems/claims.ts'
import type { Proven } from '../systems/proven.ts'

/** What a connector can do: a family, of an issuer one strategy. */
interface Ability {
  readonly as: Claim['as']
  readonly strategy?: Strategy
}

/** The rows of a connector in the table of proofs: one for each ability, and for each kind of rotation under load that was made. */
export function provenRows(manifest: ConnectorManifest, proven: Proven): string[][] {
  const mine = proven.filter(({ connector }) => connector === manifest.id)
  return [...abilitiesOf(manifest), ...loadsOf(mine)].map(({ as, strategy }) => {
    const on = mine.filter((claim) => claim.as === as && (claim.strategy === undefined || claim.strategy === strategy)).map((claim) => claim.on)
    const words = [as === 'load' ? 'rotation under load' : as, ...(strategy === undefined ? [] : [`\`${strategy}\``])]
    return [`\`${manifest.id}\``, words.join(', '), on.length === 0 ? '-' : on.join(', ')]
  })
}

function abilitiesOf({ families, strategies = [] }: ConnectorManifest): Ability[] {
  const names = Object.keys(families) as (keyof typeof families)[]
  return names.flatMap((as): Ability[] => (as === 'issuer' ? strategies.map((strategy) => ({ as, strategy })) : [{ as }]))
}

function loadsOf(mine: Proven): Ability[] {
  const loads = mine.filter(({ as }) => as === 'load')
  return [...new Map(loads.map(({ as, strategy }) => [strategy, { as, ...(strategy === undefined ? {} : { strategy }) }])).values()]
}
