import { type Answer, ask, type Call, done, type Evidence, refused, type TaskRequest, unknown } from '../kit/index.ts'
import { ENDED, ENDED_BY_TAG } from '../journal/forgotten.ts'
import { nameOf } from '../journal/name.ts'
import { mayHave } from '../journal/steps.ts'
import { isTagOf } from '../journal/tag.ts'
import type { Scene } from './scene.ts'

/**
 * Ends every live credential but the new one: what is in use, what the emergency inherited, and what lost mints of the rotations before
 * it made. Each by its recorded identity or its tag (I5); off and then gone, without a wait between (I7). May be repeated.
 */
export async function forget(scene: Scene, call: Call): Promise<Answer<Evidence>> {
  const ids = toEnd(scene)
  if (scene.plan.traits.ends.length === 0) return ask(byHand(scene, ids))
  const known = await endEach(scene, ids, ENDED, call)
  if (known.is !== 'done' || scene.plan.emergency?.tags.length === 0) return known
  const lost = await lostMints(scene, new Set(ids), call)
  if (lost.is !== 'done') return lost
  const tagged = await endEach(scene, lost.value, ENDED_BY_TAG, call)
  return tagged.is === 'done' ? done({ ...known.value, ...tagged.value }) : tagged
}

/** Ids of the plan; an inherited one whose id the new credential has was replaced by it. */
function toEnd({ plan, values, progress }: Scene): string[] {
  const fresh = mayHave(progress, 'mint') ? values.new?.id : undefined
  const ids = [values.old?.id ?? plan.current?.id, ...(plan.emergency?.inherits ?? []).map(({ id }) => id)]
  return [...new Set(ids.flatMap((id) => (id === undefined || id === fresh ? [] : [id])))]
}

/** All at the same time: each moment counts. The worst answer of all is the answer. */
async function endEach(scene: Scene, ids: readonly string[], as: string, call: Call): Promise<Answer<Evidence>> {
  const answers = await Promise.all(ids.map((id) => endOne(scene, id, call)))
  const asked = answers.find((each) => each.is === 'ask')
  const failed = answers.flatMap((each) => (each.is === 'refused' || each.is === 'unknown' ? [each] : []))
  const open = failed.find((each) => each.is === 'unknown') ?? failed[0]
  // What got no answer is settled before anything else; a person is asked once for all of them.
  if (open !== undefined && (open.is === 'unknown' || asked === undefined)) {
    const partly = open.is === 'unknown' || answers.some((each) => each.is === 'done')
    return (partly ? unknown : refused)(open.code, open.about, open.evidence)
  }
  if (asked !== undefined) return ask(byHand(scene, ids))
  return done(Object.fromEntries(answers.flatMap((each, index) => (each.is === 'done' ? [[`${as}${nameOf(ids[index] ?? '')}`, each.value] as const] : []))))
}

/** As far as it can be ended: `gone`, `off`, or `absent` where it certainly is not there. */
async function endOne({ cast, plan }: Scene, id: string, call: Call): Promise<Answer<string>> {
  let last: string = 'on'
  for (const to of plan.traits.ends) {
    const answer = await cast.issuer.set(id, to, call)
    if (answer.is === 'refused' && answer.code === 'PRINCIPAL_MISSING') {
      const seen = await cast.issuer.observe(call)
      if (seen.is === 'done' && seen.value.complete && !seen.value.known.some((known) => known.id === id)) return done('absent')
    }
    if (answer.is !== 'done') return answer.is === 'refused' ? refused(answer.code, answer.about ?? nameOf(id), answer.evidence) : answer
    last = to
  }
  return done(last)
}

/** What carries a tag of a superseded rotation, and is neither the new one nor ended already. */
async function lostMints({ cast, plan, values }: Scene, ended: ReadonlySet<string>, call: Call): Promise<Answer<string[]>> {
  const tags = plan.emergency?.tags ?? []
  const seen = await cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  return done(seen.value.known.filter(({ id, tag, state }) => state !== 'gone' && id !== values.new?.id && !ended.has(id) && tags.some((rotation) => isTagOf(rotation, tag))).map(({ id }) => id))
}

function byHand({ plan }: Scene, ids: readonly string[]): TaskRequest {
  const names = ids.map(nameOf).join(', ')
  return {
    kind: 'end',
    title: `End ${names} of ${plan.secret} now: it is taken for compromised`,
    steps: [`keyturn cannot end credentials at this provider (${plan.issuer.use}).`, `End ${names} there, all of them, and the sessions that were opened with them.`, 'Then answer this task: whether they are refused is proven after it.'],
    due: HURRY_MS,
  }
}

/** A person is told again after this time. */
const HURRY_MS = 900_000
