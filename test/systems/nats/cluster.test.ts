import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../demo/until.ts'
import { openIssuer } from '../../../src/connectors/nats/index.ts'
import { issuerSchema } from '../../../src/connectors/nats/manifest.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { configOf, hostOf, loginAs, makeAccount, makeRealm } from '../../servers/nats.ts'
import { freePort } from '../../../src/testing/port.ts'
import { type RealNats, startNatsServer } from './server.ts'
import { natsServers } from './system.ts'

const call = () => callWithin(10_000)
const program = await natsServers[0].bring()
let nodes: RealNats[] = []

beforeAll(async () => {
  const [realm, ports] = [await makeRealm(), [await freePort(), await freePort()]]
  nodes = await Promise.all(ports.map((port, at) => startNatsServer(program, { member: { realm, port, name: `n${at}`, others: ports.filter((other) => other !== port) } })))
  await until('the two know each other', 15_000, () => (nodes.every((node) => node.log().includes('Route connection created')) ? true : undefined))
})
afterAll(async () => {
  for (const node of nodes) await node.stop()
})

it('makes, watches and revokes a user at every server of a cluster, and does not take silence for quiet (K-25)', async () => {
  const [first, second] = nodes as [RealNats, RealNats]
  const account = await makeAccount(first)
  const current = await account.user('worker')
  const { issuer: said, env } = configOf(first, account, first.port, { servers: nodes.map(({ port }) => `nats://127.0.0.1:${port}`) })
  const issuer = openIssuer(issuerSchema.parse(said), hostOf(env))
  const verdicts = async (): Promise<unknown[]> => Promise.all(issuer.endpoints().map(async (endpoint) => {
    const answer = await issuer.probe(current, endpoint, call())
    return answer.is === 'done' ? answer.value.verdict : answer
  }))
  await until('both accept the user', 10_000, async () => ((await verdicts()).every((verdict) => verdict === 'accepted') ? true : undefined))

  expect(await issuer.preflight(current, issuer.propose(current).id, call())).toMatchObject({ is: 'done', value: { evidence: { servers: 2 } } })
  expect((await issuer.mint({ credential: issuer.propose(current), tag: 'kt-1' }, call())).is).toBe('done')
  const far = await loginAs(second, current, 'worker-2')
  expect(await issuer.observe(call())).toMatchObject({ value: { complete: true, known: [{ id: current.id, uses: [{ by: 'worker-2@127.0.0.1' }] }, {}] } })

  second.send('SIGSTOP')
  expect(await issuer.observe(callWithin(3_000))).toMatchObject({ is: 'refused', code: 'UNREACHABLE', about: '1 of 2 servers answer' })
  second.send('SIGCONT')
  await until('it answers again', 10_000, async () => ((await issuer.observe(call())).is === 'done' ? true : undefined))

  expect(await issuer.set(current.id, 'gone', call())).toMatchObject({ is: 'done' })
  expect([await verdicts(), far.isClosed()]).toEqual([['rejected', 'rejected'], true])
})
