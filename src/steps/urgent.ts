import { type Answer, type Call, done, type Evidence } from '../kit/index.ts'
import { idsBefore } from './preflight.ts'
import type { Scene } from './scene.ts'

/**
 * The preflight of an emergency: only what the steps after it cannot do without. What is in use was read, and sealed, when it was opened;
 * consumers, stores and checks that are not well are no reason to leave a compromised credential alive.
 */
export async function urgentPreflight(scene: Scene, call: Call): Promise<Answer<Evidence>> {
  const before = await idsBefore(scene, call)
  const fenced = scene.plan.summary.fenced === true
  // Without it a lost mint cannot be told from others, and a person is asked then; that does not keep the old one alive.
  return done(before.is === 'done' ? { ...before.value, fenced } : { fenced, 'not looked at': before.is === 'ask' ? 'ask' : before.code })
}
