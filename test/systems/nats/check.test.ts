import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NatsConnection } from '@nats-io/transport-node'
import { checkSuite } from '../../../src/testing/check.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { type ConfigWorld, makeConfigWorld } from '../../servers/nats-config.ts'
import { checkOf, makeStreamWorld, type Stream } from '../../servers/nats-jetstream.ts'
import { proving } from '../claims.ts'
import { type RealConfigServer, startConfigServer } from './config-server.ts'
import { natsServers } from './system.ts'

for (const part of natsServers) {
  const program = await part.bring()

  describe(part.title, () => {
    let server: RealConfigServer
    let world: ConfigWorld
    let connection: NatsConnection
    let stream: Stream
    beforeAll(async () => {
      server = await startConfigServer(program)
      world = await makeConfigWorld(server, 'alternate')
      connection = await world.login(world.current, 'setup')
      const ask = async (subject: string, body: object): Promise<void> => {
        const said = (await connection.request(`$JS.API.${subject}`, JSON.stringify(body))).json<{ readonly error?: object }>()
        if (said.error !== undefined) throw new Error(`${subject}: ${JSON.stringify(said.error)}`)
      }
      await ask('STREAM.CREATE.WORK', { name: 'WORK', subjects: ['work.>'], storage: 'memory', num_replicas: 1 })
      await ask('CONSUMER.DURABLE.CREATE.WORK.hand', { stream_name: 'WORK', config: { durable_name: 'hand', ack_policy: 'explicit' } })
      stream = { monitor: server.monitor, publish: () => connection.request('work.done', 'x'), purge: () => ask('STREAM.PURGE.WORK', {}) }
    })
    afterAll(async () => {
      await world.close()
      await server.stop()
    })

    checkSuite(proving(() => ({ connector: 'nats', as: 'check', on: server.version })), `nats, ${part.title}`, () => makeStreamWorld(stream))

    it('sees that messages came, and that they wait for a consumer that takes none', async () => {
      const check = checkOf(stream, { grows: true, pendingMore: 0 })
      const before = await check.run(callWithin(5_000))
      const since = { at: Date.now(), before: before.is === 'done' ? before.value.evidence : {} }
      expect(await check.run(callWithin(5_000), undefined, since)).toMatchObject({ value: { verdict: 'fail', evidence: { unmet: 'grows' } } })
      await stream.publish()
      expect(await check.run(callWithin(5_000), undefined, since)).toMatchObject({ value: { verdict: 'fail', evidence: { unmet: 'pendingMore' } } })
    })
  })
}
