import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { login } from '../../demo/database.ts'
import { startLoad } from '../../demo/load.ts'
import { until } from '../../demo/until.ts'
import { layGround } from './ground.ts'
import { startService } from './service.ts'
import { watchHolders, watchLogin } from './watch.ts'
import type { Way, World } from './way.ts'

/** The load of a round. */
export interface Pressure {
  /** Operations a second over both instances, on a fixed schedule; nobody tries again. */
  readonly rate: number
  /** So long the load runs before the rotation and after it, ms: longer than a connection lives. */
  readonly calm: number
}

/** What one rotation cost. Times in milliseconds. */
export interface Round {
  readonly operations: number
  /** Of these, how many were answered with a failure. */
  readonly failed: number
  /** How many had no answer within two seconds: on a machine that is too busy that is its doing, not the way's. */
  readonly unanswered: number
  /** How many of both for each reason: `500 28P01`, `timeout`. */
  readonly reasons: Readonly<Record<string, number>>
  /**
   * For how long an instance that had to log in was refused: from the first login that the server refused to the moment when no
   * instance holds the old credential any more, or each can help itself. 0 when the old one was refused after that, or never.
   */
  readonly gap: number
  /** From the request to the moment when the tool has ended and both instances hold the new credential. */
  readonly total: number
  /** With which words the server refused the old one when the tool tried it; absent when it never did. */
  readonly proof?: string
  /** What the server says to the old one afterwards, asked by the benchmark: `accepted`, or the SQLSTATE of its refusal. */
  readonly old: string
  /** How late the load was at worst: what is over 50 ms is the machine's doing, not the way's. */
  readonly lag: number
}

/** Plays one rotation of a way under load, on ground of its own. Throws when the way fails, or what it leaves does not work. */
export async function playRound(way: Way, adminUrl: string, world: World, { rate, calm }: Pressure): Promise<Round> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    const ground = await layGround(adminUrl, `way_${randomBytes(4).toString('hex')}`)
    undo.push(() => ground.drop())
    const opened = await way.open(ground, world)
    undo.push(() => opened.close())
    const service = await startService(ground, opened.client)
    undo.push(() => service.stop())
    const load = startLoad(service.instances.map(({ url }) => `${url}/work`), rate)
    undo.push(() => load.stop())
    await pause(calm)
    const before = await opened.login()
    const old = ground.dsn(before)
    const [refusal, held] = [watchLogin(old), watchHolders(service, before.password)]
    undo.push(() => refusal.stop(), () => held.stop())
    const turn = await opened.rotate(service)
    const heldAt = await until('no instance holds the old credential', 60_000, () => held.at())
    const fresh = await opened.login()
    if ((await service.holders(fresh.password)) !== service.instances.length) throw new Error(`${way.id}: an instance holds neither the old credential nor the new one`)
    await pause(calm)
    await refusal.stop()
    const report = await load.stop()
    const accepted = await login(ground.dsn(fresh))
    if (accepted !== 'accepted') throw new Error(`${way.id}: the new credential is refused: ${accepted}`)
    const refusedAt = refusal.at()
    const unanswered = report.reasons['timeout'] ?? 0
    return {
      operations: report.requests, failed: report.failed - unanswered, unanswered, reasons: report.reasons,
      gap: refusedAt === undefined ? 0 : Math.max(0, (turn.mended ?? heldAt) - refusedAt),
      total: Math.max(turn.to, heldAt) - turn.from,
      ...(turn.proof === undefined ? {} : { proof: turn.proof }),
      old: await login(old), lag: report.lag.worst,
    }
  } finally {
    for (const step of undo.toReversed()) await step()
  }
}
