import { expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { setRig } from './rig.ts'

/** At the end of a command: see src/operations/tell.ts; and what a loaded machine takes. */
const BUDGET_MS = 3_000
const SLACK_MS = 2_500

interface Shown { readonly plan: object; readonly events: readonly { readonly type: string; readonly at: number }[] }

it.each(['slow', 'gone'] as const)('a receiver that is %s is in nobody\'s way: the rotation is done, the command ends within its budget, and the notices come later, in order, each once', async (fault) => {
  const rig = await setRig()
  const { receiver } = rig
  if (fault === 'slow') receiver.fault = 'slow'
  else receiver.status = 503
  const began = Date.now()
  const ran = await rig.run(['rotate', 'mail', '--wait'])
  const took = Date.now() - began
  expect(ran.code, ran.said).toBe(0)
  const { events } = (await rig.run(['show', 'mail', '--events', '--json'])).json() as Shown
  const [opened, closed] = [events[0]?.at ?? 0, events.at(-1)?.at ?? 0]
  console.log(`the receiver is ${fault}: the rotation took ${closed - opened} ms, the command ${took} ms, of it ${began + took - closed} ms after the rotation was done`)
  expect(began + took - closed).toBeLessThan(BUDGET_MS + SLACK_MS)
  const tried = receiver.received.length
  receiver.fault = 'none'
  receiver.status = 204
  // Its first try is due again after ten seconds.
  const later = await rig.run(['run', '--once'], 45_000)
  expect(later.code, later.said).toBe(0)
  expect(rig.kinds().slice(tried)).toEqual(['rotation-opened', 'impact-begun', 'rotation-done'])
  expect(rig.leaks()).toEqual([])
})

it('a run that is killed after a notice arrived and before that is on disk leaves it to the next one, which sends it again with the same id; every other one comes once', async () => {
  const rig = await setRig(undefined, { secret: { grace: '2s' } })
  rig.receiver.fault = 'slow'
  const running = rig.start(['rotate', 'mail', '--wait'])
  await until(() => rig.receiver.received.length > 0, 20_000)
  running.send('SIGKILL')
  await running.end
  rig.receiver.fault = 'none'
  expect((await rig.run(['run', '--once'], 50_000)).code).toBeLessThan(5)
  expect((await rig.run(['run', '--once'], 55_000)).code).toBe(0)
  const ids = rig.arrived().map(({ id }) => id)
  expect(ids.filter((id) => id === ids[0])).toHaveLength(2)
  expect(new Set(ids).size).toBe(ids.length - 1)
  expect(rig.kinds().slice(1)).toEqual(['rotation-opened', 'impact-begun', 'rotation-done'])
})

it('two workers tell each notice once, also what a third run opened; what is given up is said', async () => {
  const rig = await setRig()
  rig.receiver.status = 503
  expect((await rig.run(['rotate', 'mail', '--wait'])).code).toBe(0)
  rig.receiver.status = 204
  const before = rig.receiver.received.length
  const workers = [rig.start(['run'], 45_000), rig.start(['run'], 45_000)]
  await until(() => rig.receiver.received.length >= before + 3, 20_000)
  for (const worker of workers) worker.send('SIGTERM')
  await Promise.all(workers.map(({ end }) => end))
  expect(rig.kinds().slice(before)).toEqual(['rotation-opened', 'impact-begun', 'rotation-done'])

  rig.receiver.status = 503
  expect((await rig.run(['rotate', 'mail', '--wait'])).code).toBe(0)
  await rig.run(['run', '--once'], 86_400_000 + 60_000)
  const said = (await rig.run(['status'])).out
  expect(said).toMatch(/ops is not told: .*given up/)
})
