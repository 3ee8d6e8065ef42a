import { expect, it } from 'vitest'
import { setRig } from './rig.ts'

const HOUR = 3_600_000

it('users are told ahead of what they will feel, and the schedule begins it at the time that they were told, not earlier (N-04, R-14, S0-31)', async () => {
  const secret = { every: '1h', impact: 'everybody is signed out', notice: { before: '2h', to: ['ops'] }, notify: [] }
  const rig = await setRig(undefined, { manifest: { schedule: {} }, secret })
  expect((await rig.run(['rotate', 'mail', '--wait'])).code).toBe(0)
  expect(rig.kinds()).toEqual([])
  const began = Date.now()
  const at = async (ms: number): Promise<readonly string[]> => {
    const ran = await rig.run(['run', '--once'], ms - (Date.now() - began))
    expect(ran.code, ran.said).toBeLessThan(5)
    return rig.kinds()
  }
  // Overdue by an hour, and nobody was told: they are told now, and it begins in two hours.
  expect(await at(2 * HOUR)).toEqual(['impact-ahead'])
  const [told] = rig.arrived()
  expect(told?.title).toContain('everybody is signed out')
  const begins = Date.parse(String(told?.facts['begins']))
  expect(Math.abs(begins - (began + 4 * HOUR))).toBeLessThan(60_000)
  const due = await rig.run(['due', '--json'], 3 * HOUR)
  expect(due.json()).toMatchObject({ secrets: [{ secret: 'mail', state: 'overdue', because: 'users are told ahead' }] })
  expect(await at(3.9 * HOUR)).toEqual(['impact-ahead'])
  expect((await rig.run(['history', '--json'])).json()).toMatchObject({ rotations: [{ result: 'done' }] })
  await at(4.1 * HOUR)
  expect((await rig.run(['history', '--json'])).json()).toMatchObject({ rotations: [{ secret: 'mail' }, { result: 'done' }] })
  expect(rig.leaks()).toEqual([])
})
