import { expect, it } from 'vitest'
import { setRig } from './rig.ts'

it('a rotation is told from its beginning to its end, in order, each once (N-01, S1-65)', async () => {
  const rig = await setRig()
  const ran = await rig.run(['rotate', 'mail', '--wait'])
  expect(ran.code, ran.said).toBe(0)
  expect(rig.kinds()).toEqual(['rotation-opened', 'impact-begun', 'rotation-done'])
})
