import type { Answer, Code, Host, Ms, Notice, Notifier, Registry } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { inTime } from '../engine/in-time.ts'
import type { State } from '../state/open.ts'
import { openConnector } from '../steps/cast.ts'
import { type Kept, markFailed, markSent, pendingNotices, takeNotice } from './outbox.ts'

/** What delivering works with. */
export interface Delivering {
  readonly state: Pick<State, 'db' | 'clock'>
  readonly registry: Registry
  readonly host: (base: string) => Host
  readonly now: () => number
  /** Ends what is under way. */
  readonly interrupt: AbortSignal
}

/** One delivery takes this long at most; shorter than a worker keeps a notice to itself. */
const DELIVERY_MS: Ms = 10_000

/** A delivery that was cut short has this long to come back by itself. */
const OVERTIME_MS: Ms = 250

/** What became of those that were tried. */
export interface Delivered {
  readonly sent: number
  readonly failed: number
}

/**
 * Sends what is due, each notifier's notices in their order, until `until` (unix ms) at the latest. A notifier that fails is left alone
 * until its first notice is due again, so that a resolution never comes before what it resolves, and an outage costs one try. Killed
 * between a delivery and its mark, a notice is sent again with the same id by whoever comes next.
 */
export async function deliver(delivering: Delivering, manifest: Manifest, until: number): Promise<Delivered> {
  const pending = await pendingNotices(delivering.state.db, manifest)
  const queues = [...Map.groupBy(pending, ({ notifier }) => notifier)]
  const all = await Promise.all(queues.map(([name, queue]) => deliverTo(delivering, manifest, name, queue, until)))
  return { sent: all.reduce((sum, each) => sum + each.sent, 0), failed: all.reduce((sum, each) => sum + each.failed, 0) }
}

async function deliverTo(delivering: Delivering, manifest: Manifest, name: string, queue: readonly Kept[], until: number): Promise<Delivered> {
  const { state, now } = delivering
  let sent = 0
  for (const seen of queue) {
    const at = await state.clock()
    if (now() >= until || (seen.due_at ?? 0) > at) break
    const kept = await takeNotice(state.db, seen, at)
    // Another worker has it, and with it the turn of this notifier.
    if (kept === undefined) break
    const answer = await sendOnce(delivering, manifest, name, JSON.parse(kept.body) as Notice, Math.min(DELIVERY_MS, until - now()))
    if (answer.is === 'done') {
      await markSent(state.db, kept, await state.clock())
      sent += 1
      continue
    }
    const code = codeOf(answer)
    const never = code === 'REQUEST_REFUSED'
    await markFailed(state.db, kept, code, never, await state.clock())
    if (!never) return { sent, failed: 1 }
  }
  return { sent, failed: 0 }
}

/** Sends one notice to one notifier of the manifest now, past the outbox. Never throws for what the outside does. */
export async function sendOnce({ registry, host, now, interrupt }: Omit<Delivering, 'state'>, manifest: Manifest, name: string, notice: Notice, within: Ms = DELIVERY_MS): Promise<Answer<void>> {
  return inTime<Answer<void>>(within, { deadline: now() + within, fence: 0 }, interrupt, async (call) => {
    const used = manifest.notifiers?.[name]
    // It was taken out of the manifest since.
    if (used === undefined) return { is: 'refused', code: 'REQUEST_REFUSED' }
    const notifier: Notifier = await openConnector(registry, host(manifest.base), 'notifier', used)
    return notifier.notify(notice, call)
  }, (failed) => failed, OVERTIME_MS)
}

function codeOf(answer: Exclude<Answer<void>, { is: 'done' }>): Code {
  return answer.is === 'ask' ? 'NOT_NOW' : answer.code
}
