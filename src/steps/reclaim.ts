import { type Answer, ask, type Call, done, type Evidence, type Known, refused, type TaskRequest, unknown } from '../kit/index.ts'
import type { Step } from '../plan/step.ts'
import { nameOf } from '../journal/name.ts'
import { mintsLost } from '../journal/steps.ts'
import type { Scene } from './scene.ts'
import { isTagOf } from '../journal/tag.ts'

const BASELINE = 'there before: '

/** Under this key preflight writes down which ids there were before, where that helps to find a lost mint. */
export function baselineKey(id: string): string {
  return `${BASELINE}${nameOf(id)}`
}

/**
 * A mint whose answer was lost may have made a credential that nobody holds. By its tag it is certainly ours, and ended. An id that
 * was not there before is only a suspect, and where nothing can be listed there is not even that: a person looks (I3, I5).
 */
export async function reclaim(scene: Scene, step: Step, call: Call): Promise<Answer<Evidence>> {
  const found = await leftovers(scene, step, call)
  if (found.is !== 'done') return found
  const { ours, suspects, blind } = found.value
  const to = endOf(scene)
  if (ours.length > 0 && to === undefined) return ask(endByHand(ours))
  for (const { id } of ours) {
    const ended = await scene.cast.issuer.set(id, to ?? 'gone', call)
    if (ended.is !== 'done') return ended.is === 'refused' ? refused(ended.code, ended.about ?? nameOf(id), ended.evidence) : ended
  }
  if (suspects.length > 0) return ask(judgeSuspects(suspects))
  return blind ? ask(lookByHand(scene)) : done({ reclaimed: ours.length })
}

/** Whether nothing is left to reclaim, nor to ask. */
export async function lookForReclaim(scene: Scene, step: Step, call: Call): Promise<Answer<boolean>> {
  const found = await leftovers(scene, step, call)
  if (found.is !== 'done') return found
  return done(found.value.ours.length + found.value.suspects.length === 0 && !found.value.blind)
}

/** What mints of this rotation left beside the credential that it goes on with. */
interface Leftovers {
  /** Certainly. */
  readonly ours: readonly Known[]
  /** Perhaps: only a person can tell. */
  readonly suspects: readonly Known[]
  /** Something may be left that cannot be seen. */
  readonly blind: boolean
}

async function leftovers(scene: Scene, step: Step, call: Call): Promise<Answer<Leftovers>> {
  const { plan, progress, rotation, values } = scene
  const lost = mintsLost(progress) > 0
  if (plan.traits.locate === 'none') return done({ ours: [], suspects: [], blind: lost })
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  const { known, complete } = seen.value
  const mine = new Set([values.new?.id, values.old?.id])
  const others = known.filter(({ id, state }) => !mine.has(id) && isLeft(scene, state))
  const newcomers = others.filter(({ id }) => isNew(scene, id))
  if (plan.traits.locate === 'baseline') return complete ? done({ ours: [], suspects: newcomers, blind: false }) : unknown('SERVER_ERROR', 'the issuer does not list all of its credentials')
  const ours = others.filter(({ tag }) => isTagOf(rotation, tag))
  const fresh = known.find(({ id }) => id === values.new?.id)
  // What is in use is there: a list without it shows how it was before, and what it does not show may be there as well.
  if (complete && fresh === undefined && values.new !== undefined && progress.direction === 'forward') return unknown('SERVER_ERROR', 'the issuer does not list the new credential yet')
  // Whether it keeps tags at all shows on the ones that are ours; if it may not, others are not told from what a lost mint left.
  const keepsTags = isTagOf(rotation, fresh?.tag) || ours.length > 0 || Number(progress.done.get('reclaim')?.evidence['reclaimed'] ?? 0) > 0
  const doubt = lost && step.phase === 'close' && !keepsTags
  return done({ ours, suspects: doubt ? newcomers.filter(({ tag }) => tag === undefined) : [], blind: lost && !complete })
}

/** The last that this issuer can do to a credential; undefined when it ends none. */
function endOf({ plan: { traits } }: Scene): 'off' | 'gone' | undefined {
  return traits.ends.includes('gone') ? 'gone' : traits.ends[0]
}

/** Whether one in this state has yet to be ended. */
function isLeft(scene: Scene, state: Known['state']): boolean {
  return state === 'on' || (state === 'off' && endOf(scene) === 'gone')
}

/** Whether it was certainly not there in preflight. */
function isNew({ progress }: Scene, id: string): boolean {
  const before = progress.done.get('preflight')?.evidence ?? {}
  return Object.keys(before).some((name) => name.startsWith(BASELINE)) && !(baselineKey(id) in before)
}

function endByHand(ours: readonly Known[]): TaskRequest {
  const names = ours.map(({ id }) => nameOf(id)).join(', ')
  return {
    kind: 'prepare',
    title: `End ${names}, which a lost request of this rotation made`,
    steps: ['Nobody holds it, and keyturn cannot end it at this provider.', `End ${names} there.`, 'Then answer this task; keyturn looks whether it is gone.'],
  }
}

function judgeSuspects(suspects: readonly Known[]): TaskRequest {
  const names = suspects.map(({ id }) => nameOf(id)).join(', ')
  return {
    kind: 'confirm',
    title: `Find out whether ${names} was made by a lost request of this rotation, and end it if so`,
    steps: [
      'A request for a new credential got no answer, and since then there is one that was not there before.',
      `Look at the provider who made ${names}, and when.`,
      'End it there if nobody else did. keyturn does not: it only knows that it is new.',
      'Then answer this task; the rotation goes on.',
    ],
  }
}

function lookByHand(scene: Scene): TaskRequest {
  return {
    kind: 'confirm',
    title: `Find out whether a lost request made a credential for ${scene.plan.secret}, and end it if so`,
    steps: [
      'A request for a new credential got no answer, and this provider does not show all that exists.',
      'Look at the provider for one that was made in the last minutes and that nobody holds; end it there.',
      'Then answer this task; the rotation goes on.',
    ],
  }
}
