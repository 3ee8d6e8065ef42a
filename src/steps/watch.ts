import { ask, type Call, done, type Observation, type TaskRequest, unknown } from '../kit/index.ts'
import type { Which } from '../plan/step.ts'
import { endsByHand } from '../plan/steps.ts'
import { nameOf } from '../journal/name.ts'
import { USAGE } from '../journal/progress.ts'
import { stepsOf } from '../journal/steps.ts'
import { type Outcome, type Scene, valueOf } from './scene.ts'

/** A gap between two looks longer than this many intervals means that the time between was not watched. */
const GAP_FACTOR = 2.5

/** The issuer's clock and ours differ by a little, so the last look may come a little early. */
const LEAST_PAUSE_MS = 10

/**
 * Watches that nobody uses the credential for the whole quiet time. A use, or a gap in watching, holds it; the next attempt
 * starts anew, and so does one after a crash: unseen is not quiet.
 */
export async function watch(scene: Scene, step: { readonly which: Which; readonly for: number; readonly every: number }, call: Call): Promise<Outcome> {
  const from = scene.now()
  const attested = lastAttested(scene)
  let seenFrom: number | undefined
  let last = from
  let samples = 0
  let longestGap = 0
  while (!call.signal.aborted) {
    const seen = await scene.cast.issuer.observe(call)
    if (seen.is !== 'done') return seen
    const now = scene.now()
    const reasons = inUse(scene, step.which, seen.value)
    if (scene.progress.acknowledged.has(USAGE) && reasons.length === 0) return done({ samples: samples + 1, acknowledged: true })
    const unseen = seen.value.seenUpTo === 0 || !seen.value.complete
    if (unseen && reasons.length === 0 && endsByHand(scene.plan.traits)) return ask(lookByHand(scene, step.which))
    if (seen.value.seenUpTo === 0) return { is: 'held', reasons: ['the issuer does not show who uses a credential: set `quiet: 0s` to do without, or answer for it with --acknowledge usage'] }
    if (!seen.value.complete) return { is: 'held', reasons: ['the issuer does not list all of its credentials'] }
    if (reasons.length > 0) return { is: 'held', reasons }
    longestGap = Math.max(longestGap, now - last)
    if (samples > 0 && now - last > step.every * GAP_FACTOR + 1_000) return { is: 'held', reasons: [`watching was interrupted for ${now - last} ms`] }
    last = now
    samples += 1
    // An issuer that is behind shows what was before the last consumer took the new one: that is not quiet either.
    seenFrom ??= Math.max(seen.value.seenUpTo, Math.min(attested, seen.value.clock ?? Infinity))
    // By the issuer's own clock: what it has not seen yet is not quiet.
    const watched = Math.min(now - from, seen.value.seenUpTo - seenFrom)
    if (watched >= step.for) return done({ samples, from, to: now, 'longest gap ms': longestGap })
    await scene.sleep(Math.min(step.every, Math.max(LEAST_PAUSE_MS, step.for - watched)), call.signal)
  }
  return unknown('DEADLINE', 'the quiet time was not over')
}

/** When the last consumer was seen to hold the credential that stays, unix ms; 0 when none was. */
export function lastAttested(scene: Pick<Scene, 'progress'>): number {
  return Math.max(0, ...stepsOf(scene.progress).filter((step) => step.do === 'attest').map((step) => scene.progress.done.get(step.id)?.at ?? 0))
}

/** Who uses the credential now, in words; and whether the issuer really sees it. */
export function inUse(scene: Scene, which: Which, seen: Observation): string[] {
  const { id } = valueOf(scene, which)
  const uses = seen.known.find((known) => known.id === id)?.uses ?? []
  return uses.map((use) => `${use.by} uses ${id} (${use.count} ${use.count === 1 ? 'session' : 'sessions'})`)
}

/** Whether a named person said that nobody uses it, where the issuer does not show it. */
export function saidUnused({ progress }: Pick<Scene, 'progress'>): boolean {
  const answered = (id: string): boolean => progress.done.get(id)?.evidence['answered'] !== undefined
  return progress.acknowledged.has(USAGE) || stepsOf(progress).some((step) => step.do === 'watch' && answered(step.id))
}

/** Who ends a credential by hand sees there who uses it, which is shown to nobody else. */
function lookByHand(scene: Scene, which: Which): TaskRequest {
  const name = nameOf(valueOf(scene, which).id)
  const since = lastAttested(scene)
  return {
    kind: 'confirm',
    title: `See that nobody uses ${name} of ${scene.plan.secret} any more`,
    steps: [
      'This provider does not show keyturn who uses a credential.',
      since === 0 ? `Look there when ${name} was last used.` : `Look there when ${name} was last used: not after ${new Date(since).toISOString()}, when the last consumer took the other one.`,
      'If somebody still uses it, find out who before you answer: it is ended after that.',
    ],
  }
}
