import type { Event } from '../journal/event.ts'
import type { Step } from '../plan/step.ts'
import { consumerKeys, hasFailed, hasReloaded, hasReloadedFor, isFirstRound, isOut, isPresented, isPublished, mayWait, type Member, reloadKey, shareReload } from './member.ts'

/**
 * Whether a rotation of a batch may take its next step: undefined when it may, an event that is written down before, or why it waits,
 * in words. `batch` are all of them, in their order; `own` is one of them. Pure: the same journals give the same answer, whichever
 * worker asks, so that one that was killed anywhere is taken over without a word.
 *
 * They work one after another up to their publishing. What shares a restart waits there until all have published; then the first of
 * them reloads, and its journal says before whom that serves as well. The others take it over from there, and each still has to see
 * for itself that every instance holds its value. One whose old value ends when the new one begins does not wait with that gap open: it
 * comes last, waits before its mint, and reloads by itself; the others wait for that reload.
 */
export function barrier(own: Member, batch: readonly Member[], step: Step): Event | string | undefined {
  const { progress } = own
  if (progress.direction === 'back') return undefined
  const others = batch.filter(({ id }) => id !== own.id)
  const before = others.slice(0, batch.findIndex(({ id }) => id === own.id))
  if (step.do === 'preflight') return atBeginning(own, others, before, step)
  const early = new Set(before.map(({ id }) => id))
  if (!mayWait(progress)) return step.do === 'mint' && progress.serves === undefined ? beforeGap(own, others, early, step) : undefined
  return isFirstRound(progress.plan, step) ? beforeReload(own, others, early, step) : undefined
}

/** One after another: whoever has not begun does so when those before have published, or have stopped; and not when one has failed. */
function atBeginning({ progress }: Member, others: readonly Member[], before: readonly Member[], step: Step): Event | string | undefined {
  const failed = progress.member?.keepGoing === true ? undefined : others.find((other) => hasFailed(other.progress))
  if (failed !== undefined) return { type: 'step-refused', step: step.id, attempt: (progress.attempts.get(step.id) ?? 0) + 1, code: 'CAMPAIGN_STOPPED', about: failed.id }
  const ahead = before.find((other) => !isOut(other.progress) && !(mayWait(other.progress) ? isPublished(other.progress) : isPresented(other.progress)))
  return ahead === undefined ? undefined : `its turn comes after ${ahead.id}`
}

function sharersOf({ progress }: Member, others: readonly Member[]): Member[] {
  const keys = consumerKeys(progress.plan)
  return others.filter((other) => shareReload(keys, consumerKeys(other.progress.plan)))
}

/** Before what leaves a gap is minted: everybody else has published, and whoever leaves a gap as well has ended it. */
function beforeGap(own: Member, others: readonly Member[], early: ReadonlySet<string>, step: Step): Event | string {
  const sharers = sharersOf(own, others)
  const ahead = sharers.find(({ id, progress }) => !isOut(progress) && (mayWait(progress) ? !isPublished(progress) : early.has(id) && !isPresented(progress)))
  return stopped(own, others, step) ?? (ahead === undefined ? pass(sharers) : `${ahead.id} shares a restart with it and is not ready`)
}

/** Before the first reload, and before each that another may have carried out. */
function beforeReload(own: Member, others: readonly Member[], early: ReadonlySet<string>, step: Step & { do: 'reload' }): Event | string | undefined {
  const { plan, serves } = own.progress
  const sharers = sharersOf(own, others)
  const key = reloadKey(plan, step)
  const by = sharers.find(({ progress }) => progress.serves?.includes(own.id) === true && hasReloaded(progress, key))
  if (by !== undefined) return { type: 'reload-shared', step: step.id, by: by.id }
  if (serves !== undefined) return undefined
  const ahead = sharers.find(({ id, progress }) => {
    if (isOut(progress)) return false
    return mayWait(progress) && !early.has(id) ? !isPublished(progress) : !hasReloadedFor(progress, plan)
  })
  return stopped(own, others, step) ?? (ahead === undefined ? pass(sharers) : `${ahead.id} shares a restart with it and is not ready`)
}

/** Another one has failed, and nobody has said that it goes on all the same: a person decides. */
function stopped({ progress }: Member, others: readonly Member[], step: Step): Event | undefined {
  if (progress.member?.keepGoing === true || progress.regardless === true) return undefined
  const failed = others.find((other) => hasFailed(other.progress))
  return failed === undefined ? undefined : { type: 'rotation-paused', step: step.id, code: 'CAMPAIGN_STOPPED', about: failed.id }
}

function pass(sharers: readonly Member[]): Event {
  return { type: 'barrier-passed', with: sharers.filter(({ progress }) => !isOut(progress) && mayWait(progress) && isPublished(progress)).map(({ id }) => id) }
}
