import { randomUUID } from 'node:crypto'
import { KeyturnError, type Notice } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { sendOnce } from '../outbox/deliver.ts'
import { failedNotices, fateOf, type Kept, listNotices } from '../outbox/outbox.ts'
import { openStateIfAny, plannerFor, type Runtime } from '../runtime.ts'
import type { State } from '../state/open.ts'

/** So many notices are listed. */
const LISTED = 200

/** The newest notices of a manifest with how each stands, newest first. Needs no identity. */
export async function outbox(runtime: Runtime, manifest: Manifest): Promise<Kept[]> {
  return looking(runtime, manifest, (state) => listNotices(state.db, manifest, LISTED))
}

/** What of it is not delivered: tried again, or given up within a week. Needs no identity. */
export async function undelivered(runtime: Runtime, manifest: Manifest): Promise<Undelivered[]> {
  if (manifest.notifiers === undefined) return []
  return byNotifier(await looking(runtime, manifest, async (state) => failedNotices(state.db, manifest, await state.clock())))
}

/** The notices of one notifier that did not arrive. */
export interface Undelivered {
  readonly notifier: string
  readonly failing: number
  readonly givenUp: number
  /** Why the newest one did not. */
  readonly code: string
}

/** By notifier, in the order in which it failed first. Pure. */
export function byNotifier(failed: readonly Kept[]): Undelivered[] {
  return [...Map.groupBy(failed, ({ notifier }) => notifier)].map(([notifier, rows]) => ({
    notifier,
    failing: rows.filter((row) => fateOf(row) === 'failing').length,
    givenUp: rows.filter((row) => fateOf(row) === 'given-up').length,
    code: rows.at(-1)?.code ?? '',
  }))
}

/** Sends a notice of no matter to one notifier, now and past the outbox. Throws USAGE for a name that there is not, and why it did not arrive. */
export async function tryNotifier(runtime: Runtime, manifest: Manifest, name: string): Promise<Notice> {
  const known = Object.keys(manifest.notifiers ?? {})
  if (!known.includes(name)) throw new KeyturnError('USAGE', `the manifest has no notifier ${name}`, { hint: known.length === 0 ? 'Write `notifiers:` into it; see docs/telling.md.' : `It has: ${known.join(', ')}.` })
  const planner = plannerFor(runtime)
  const notice: Notice = {
    id: `test.${randomUUID()}`, kind: 'notice-tested', severity: 'warning', title: `somebody tries the notifier ${name}; there is nothing to do`, facts: {},
    system: manifest.system, environment: manifest.environment, at: planner.now(),
  }
  const answer = await sendOnce({ ...planner, interrupt: runtime.interrupt }, manifest, name, notice)
  if (answer.is === 'done') return notice
  throw answer.is === 'ask' ? new KeyturnError('NOT_NOW', answer.task.title) : new KeyturnError(answer.code, answer.about ?? name)
}

async function looking(runtime: Runtime, manifest: Manifest, look: (state: State) => Promise<Kept[]>): Promise<Kept[]> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    return state === undefined ? [] : await look(state)
  } finally {
    await state?.close()
  }
}
