import { type Answer, type Call, type Credential, done, type Evidence, refused } from '../kit/index.ts'
import type { Step } from '../plan/step.ts'
import { check } from './check.ts'
import { collect } from './collect.ts'
import { end, lookForEnd } from './end.ts'
import { forget } from './forget.ts'
import { gate } from './gate.ts'
import { lookForMint, mint } from './mint.ts'
import { preflight } from './preflight.ts'
import { probe } from './probe.ts'
import { prove, seeEnded } from './prove.ts'
import { lookForPublish, publish } from './publish.ts'
import { attest } from './attest.ts'
import { lookForReclaim, reclaim } from './reclaim.ts'
import { lookForReload, reload } from './reload.ts'
import { sweep } from './sweep.ts'
import { urgentPreflight } from './urgent.ts'
import { watch } from './watch.ts'
import type { Outcome, Scene } from './scene.ts'
import { takesMade } from '../journal/steps.ts'

/** What a step brought, with a credential that has to be sealed together with it. */
export interface Performed {
  readonly outcome: Outcome
  readonly seal?: { readonly name: 'new' | 'old'; readonly credential: Credential }
}

/** Carries out one step. The journal around it is the driver's. */
export async function perform(scene: Scene, step: Step, tag: string, call: Call): Promise<Performed> {
  switch (step.do) {
    case 'preflight':
      if (scene.plan.emergency !== undefined) return { outcome: await urgentPreflight(scene, call) }
      return withCredential(await preflight(scene, call), (value) => ({ name: 'old', credential: value.old }))
    case 'mint':
      return withCredential(await mint(scene, step, tag, call), (value) => (takesMade(scene.plan, step) ? { name: 'new', credential: value.credential } : undefined))
    case 'collect': {
      const { outcome, credential } = await collect(scene, call)
      return { outcome, ...(credential === undefined ? {} : { seal: { name: 'new', credential } }) }
    }
    case 'reclaim':
      return { outcome: await reclaim(scene, step, call) }
    case 'probe':
      return { outcome: await probe(scene, step, call) }
    case 'publish':
      return { outcome: await publish(scene, step, call) }
    case 'reload':
      return { outcome: await reload(scene, step, call) }
    case 'attest':
      return { outcome: await attest(scene, step, call) }
    case 'check':
      return { outcome: await check(scene, step, call) }
    case 'wait':
      return { outcome: done({ waited: true }) }
    case 'watch':
      return { outcome: await watch(scene, step, call) }
    case 'gate':
      return { outcome: await gate(scene, step, call) }
    case 'set':
      return { outcome: await end(scene, step, call) }
    case 'forget':
      return { outcome: await forget(scene, call) }
    case 'prove':
      return { outcome: await (step.accepted === undefined ? seeEnded(scene, call) : prove(scene, { ...step, accepted: step.accepted }, call)) }
    case 'sweep':
      return { outcome: await sweep(scene, call) }
    case 'receipt':
      return { outcome: done({}) }
  }
}

/** Looks whether an effect of which no outcome is known happened: true, false, or no answer. */
export async function look(scene: Scene, step: Step, call: Call): Promise<Answer<boolean>> {
  switch (step.do) {
    case 'mint':
      return lookForMint(scene, step, call)
    case 'publish':
      return lookForPublish(scene, step, call)
    case 'reload':
      return lookForReload(scene, step, call)
    case 'set':
      return lookForEnd(scene, step, call)
    case 'reclaim':
      return lookForReclaim(scene, step, call)
    case 'forget':
      // Off is more than refused logins, and each may be ended once more: it is done again.
      return done(false)
    default:
      return refused('INTERNAL', `${step.id} is no effect`)
  }
}

function withCredential<T extends { readonly evidence: Evidence }>(answer: Answer<T>, pick: (value: T) => Performed['seal']): Performed {
  if (answer.is !== 'done') return { outcome: answer }
  const seal = pick(answer.value)
  return { outcome: done(answer.value.evidence), ...(seal === undefined ? {} : { seal }) }
}
