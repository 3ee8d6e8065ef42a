import { type Call, label } from '../kit/index.ts'
import { attestAll } from './attest.ts'
import type { Scene } from './scene.ts'

/**
 * Who holds the old value although it is off, in words: instances that prove it, like those of a deployment that was rolled back.
 * One that is not ready counts too: it may be unready just because its logins are refused. Empty when nobody does, or when it
 * cannot be seen now.
 */
export async function oldWanted(scene: Scene, call: Call): Promise<string[]> {
  const wanted: string[] = []
  for (const [wave, consumers] of scene.plan.waves.entries()) {
    for (const [consumer, planned] of consumers.entries()) {
      const seen = await attestAll(scene, { wave, consumer, which: 'new' }, call, 'ask')
      if (seen.is === 'done') wanted.push(...seen.value.holders.map((name) => `${name} of ${label(planned.title)}`))
    }
  }
  return wanted
}
