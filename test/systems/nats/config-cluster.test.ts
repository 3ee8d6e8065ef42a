import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../demo/until.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { makeConfigWorld, nodeOf } from '../../servers/nats-config.ts'
import { type RealConfigServer, startConfigServer } from './config-server.ts'
import { freePort } from '../../../src/testing/port.ts'
import { natsServers } from './system.ts'

const call = () => callWithin(10_000)
const program = await natsServers[0].bring()
let nodes: RealConfigServer[] = []

beforeAll(async () => {
  const ports = [await freePort(), await freePort()]
  nodes = await Promise.all(ports.map((own) => startConfigServer(program, { routes: { own, others: ports.filter((other) => other !== own) } })))
  await until('the two know each other', 15_000, () => (nodes.every((node) => node.log().includes('Route connection created')) ? true : undefined))
})
afterAll(async () => {
  for (const node of nodes) await node.stop()
})

it('changes every server of a cluster, does not begin when one is not named, and does not take silence for quiet (K-25)', async () => {
  const [first, second] = nodes as [RealConfigServer, RealConfigServer]
  const world = await makeConfigWorld(first, 'alternate')
  try {
    copyFileSync(join(first.folder, 'users.json'), join(second.folder, 'users.json'))
    second.send('SIGHUP')
    const both = world.openWith({ nodes: [nodeOf(first, 'n1'), nodeOf(second, 'n2')] })
    const verdicts = async (credential = world.current): Promise<unknown[]> => Promise.all(both.endpoints().map(async (endpoint) => {
      const answer = await both.probe(credential, endpoint, call())
      return answer.is === 'done' ? answer.value.verdict : answer
    }))
    await until('both accept the user', 10_000, async () => ((await verdicts()).every((verdict) => verdict === 'accepted') ? true : undefined))
    expect(await world.open().preflight(world.current, 'worker_alt', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('1 more server') })
    expect(await both.preflight(world.current, 'worker_alt', call())).toMatchObject({ is: 'done', value: { evidence: { nodes: 2 } } })

    const credential = both.propose(world.current)
    second.send('SIGSTOP')
    expect((await both.observe(callWithin(1_000))).is).not.toBe('done')
    expect(await both.mint({ credential, tag: 'kt-1' }, callWithin(1_500))).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    second.send('SIGCONT')
    expect(await both.mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'done', value: { evidence: { nodes: 2 } } })
    expect(await verdicts(credential)).toEqual(['accepted', 'accepted'])
    expect(await both.set('worker', 'gone', call())).toMatchObject({ is: 'done' })
    expect([await verdicts(), await verdicts(credential)]).toEqual([['rejected', 'rejected'], ['accepted', 'accepted']])
  } finally {
    await world.close()
  }
})
