import type { Campaign } from '../campaign/record.ts'
import { drive } from '../engine/drive.ts'
import type { Engine } from '../engine/engine.ts'
import type { Rehearsal } from '../engine/rehearsal.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { advance, type Standing } from './advance.ts'
import { isStayedFor, keysFor, type Outcome, type RunOptions, stopOf } from './follow.ts'

/** Where one secret of a campaign stopped. */
export interface MemberOutcome {
  readonly secret: string
  /** Of its rotation; absent when it was not begun, or cannot go on. */
  readonly outcome?: Outcome
  /** Why it was not begun, or cannot go on; absent with neither when it was simply not its turn. */
  readonly error?: KeyturnError
}

/** Where a run of a campaign stopped: its secrets in its order. */
export interface CampaignOutcome {
  readonly campaign: string
  readonly members: readonly MemberOutcome[]
}

/** What another run holds is looked at again so much later. */
const HELD_AGAIN_MS = 1_000

/**
 * Carries a campaign on to where nothing can be done now, or with `wait` to its end: one rotation after another, each up to where it
 * waits for a time or for others, batch after batch. Safe to call at any time by any process: it goes by the journals and notes alone.
 */
export async function carry(engine: Engine, manifest: Manifest, campaign: Campaign, options: RunOptions): Promise<CampaignOutcome> {
  const stopped = new Map<string, Outcome | KeyturnError>()
  let before = ''
  while (true) {
    const standing = await advance(engine, manifest, campaign)
    for (const { rotation, secret, progress } of standing) {
      const last = stopped.get(rotation)
      if (progress === undefined || engine.interrupt.aborted || !wantsOn(last, engine.now())) continue
      stopped.set(rotation, await carryOne(engine, manifest, rotation, secret))
    }
    const after = await headsOf(engine, standing)
    // What one has done may be what another waits for.
    const moved = after !== before
    before = after
    if (moved && !engine.interrupt.aborted) continue
    const waits = [...stopped.values()].flatMap((each) => (each instanceof KeyturnError || !(isHeld(each) || (isStayedFor(each, engine.now(), options) && each.why !== 'campaign')) ? [] : [each]))
    if (engine.interrupt.aborted || waits.length === 0) return outcomeOf(campaign, standing, stopped)
    await stay(engine, waits, options)
  }
}

function wantsOn(last: Outcome | KeyturnError | undefined, now: number): boolean {
  return last === undefined || (!(last instanceof KeyturnError) && last.is === 'waiting' && (last.why === 'campaign' || last.again <= now))
}

/** Another process works on it: it is not ours to say when that ends. */
function isHeld(each: Outcome): boolean {
  return each.is === 'waiting' && each.why === 'campaign' && each.until === Number.POSITIVE_INFINITY
}

async function carryOne(engine: Engine, manifest: Manifest, rotation: string, secret: string): Promise<Outcome | KeyturnError> {
  try {
    return await stopOf(engine, rotation, await drive({ ...engine, rehearsal: rehearsalOf(engine, secret) }, rotation, await keysFor(engine, manifest, secret)))
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    if (thrown.code !== 'LOCKED' && thrown.code !== 'FENCED') return thrown
    return { rotation, is: 'waiting', until: Number.POSITIVE_INFINITY, again: engine.now() + HELD_AGAIN_MS, why: 'campaign', about: thrown.about }
  }
}

/** What is rehearsed for one secret of several: `refuse:SECRET/STEP`, beside what is for whichever comes first. */
function rehearsalOf({ rehearsal }: Engine, secret: string): Rehearsal {
  return {
    at: (step, point) => {
      rehearsal.at(`${secret}/${step}`, point)
      rehearsal.at(step, point)
    },
    answer: (step) => rehearsal.answer(`${secret}/${step}`) ?? rehearsal.answer(step),
  }
}

/** How far all of them are: something happened when it is another than before. */
async function headsOf({ state }: Engine, standing: readonly Standing[]): Promise<string> {
  const rows = await state.db.selectFrom('rotation').select(['id', 'seq']).where('id', 'in', standing.map(({ rotation }) => rotation)).orderBy('id').execute()
  return rows.map(({ id, seq }) => `${id} ${seq}`).join(',')
}

/** Until the first of them wants to go on. */
async function stay(engine: Engine, waits: readonly Outcome[], options: RunOptions): Promise<void> {
  const [first] = waits.flatMap((each) => (each.is === 'waiting' ? [each] : [])).toSorted((one, other) => one.again - other.again)
  if (first === undefined) return
  while (engine.now() < first.again && !engine.interrupt.aborted) {
    if (!isHeld(first)) options.onWait?.(first, engine.now())
    await engine.sleep(Math.min(1_000, first.again - engine.now()), engine.interrupt)
  }
}

function outcomeOf({ id }: Campaign, standing: readonly Standing[], stopped: ReadonlyMap<string, Outcome | KeyturnError>): CampaignOutcome {
  const members = standing.map(({ secret, rotation, left, broken }): MemberOutcome => {
    const last = stopped.get(rotation)
    const error = last instanceof KeyturnError ? last : (broken ?? (left === undefined ? undefined : new KeyturnError(left.code, left.about)))
    return { secret, ...(last === undefined || last instanceof KeyturnError ? {} : { outcome: last }), ...(error === undefined ? {} : { error }) }
  })
  return { campaign: id, members }
}
