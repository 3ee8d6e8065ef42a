import { cpus } from 'node:os'
import { versionAt } from '../../test/servers/postgres.ts'
import { startMeter } from '../fleet.ts'
import { awsWays } from './aws.ts'
import { keyturns } from './keyturn.ts'
import { playRound, type Pressure, type Round } from './round.ts'
import { runbooks } from './runbook.ts'
import { type Row, rowOf } from './table.ts'
import { vaults } from './vault.ts'
import type { Way, World } from './way.ts'

/** All ways, in the order of the table. */
export const WAYS: readonly Way[] = [...keyturns, ...vaults, ...awsWays, ...runbooks]

export interface Sizes extends Pressure {
  readonly rounds: number
}

export interface Compared {
  /** As it says itself: `PostgreSQL 18.4`. */
  readonly server: string
  readonly sizes: Sizes
  readonly cpus: number
  /** The busy share of all processors of the machine meanwhile, 0 to 1: everybody's work. */
  readonly busy: number
  /** How late the load was at worst in any round, ms. */
  readonly lag: number
  readonly rows: readonly Row[]
}

/**
 * Plays these ways on one PostgreSQL, in turn: every way once, then every way again. So a time in which the machine is slow does not
 * count for one of them alone. `tell` hears of every round when it has ended.
 */
export async function compare(adminUrl: string, world: World, ways: readonly Way[], sizes: Sizes, tell: (way: Way, round: Round) => void = () => undefined): Promise<Compared> {
  const rounds = new Map<Way, Round[]>(ways.map((way) => [way, []]))
  const meter = await startMeter([])
  for (let n = 0; n < sizes.rounds; n += 1) {
    for (const [way, played] of rounds) {
      const round = await playRound(way, adminUrl, world, sizes)
      played.push(round)
      tell(way, round)
    }
  }
  const rows = [...rounds].map(([way, played]) => rowOf(way, played))
  const lag = Math.max(...rows.flatMap((row) => row.rounds.map((round) => round.lag)))
  return { server: await versionAt(adminUrl), sizes, cpus: cpus().length, busy: meter.machine(), lag, rows }
}
