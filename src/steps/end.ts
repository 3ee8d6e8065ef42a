import { type Answer, type Call, done, type Evidence } from '../kit/index.ts'
import type { Which } from '../plan/step.ts'
import { type Scene, valueOf } from './scene.ts'

interface EndStep {
  readonly which: Which
  readonly to: 'on' | 'off' | 'gone'
}

/** Brings the recorded credential, and no other, into the state: by its identity, never by age or position (I5). */
export async function end(scene: Scene, step: EndStep, call: Call): Promise<Answer<Evidence>> {
  const credential = valueOf(scene, step.which)
  const { id } = credential
  const answer = await scene.cast.issuer.set(id, step.to, call, credential)
  if (answer.is === 'done') return done(answer.value.evidence)
  // A value that we chose, and whose mint never came: what certainly is not there is off.
  if (answer.is === 'refused' && answer.code === 'PRINCIPAL_MISSING' && step.to === 'off') {
    const seen = await scene.cast.issuer.observe(call)
    if (seen.is === 'done' && seen.value.complete && !seen.value.known.some((known) => known.id === id)) return done({ absent: true })
  }
  return answer
}

/** Whether it is in that state already, or further. */
export async function lookForEnd(scene: Scene, step: EndStep, call: Call): Promise<Answer<boolean>> {
  const seen = await scene.cast.issuer.observe(call)
  if (seen.is !== 'done') return seen
  const state = seen.value.known.find((known) => known.id === valueOf(scene, step.which).id)?.state
  if (state === undefined) return done(seen.value.complete && step.to !== 'on')
  // Off is more than refused logins: a killed run may not have ended the open sessions, so it is done again.
  return done(step.to === 'off' ? false : state === step.to)
}
