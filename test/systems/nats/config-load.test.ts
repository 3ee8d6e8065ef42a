import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configOf, makeConfigWorld } from '../../servers/nats-config.ts'
import { proves } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type RealConfigServer, startConfigServer } from './config-server.ts'
import { natsServers } from './system.ts'

const program = await natsServers[0].bring()
let server: RealConfigServer
beforeAll(async () => { server = await startConfigServer(program) })
afterAll(() => server.stop())

describe.each(['alternate', 'overlap'] as const)('%s', (strategy) => {
  proves(() => ({ connector: 'nats-config', as: 'load', strategy, on: server.version }))

  it('no message of a service with two instances is lost while its user of the configuration is rotated and the old one ended (S1-43, S1-45, C-04)', async () => {
    const world = await makeConfigWorld(server, strategy)
    try {
      const setup = await world.login(world.current, 'setup')
      await setup.request('$JS.API.STREAM.CREATE.WORK', JSON.stringify({ name: 'WORK', subjects: ['work.>'], storage: 'memory', num_replicas: 1 }))
      await setup.close()
      const held = Object.fromEntries(Object.entries(world.current.fields).map(([field, value]) => [`NATS_${field.toUpperCase()}`, value.reveal()]))
      const { ran, report, env } = await rotateUnderLoad({
        issuer: { use: 'nats-config', ...configOf(server, strategy) },
        bind: Object.fromEntries(Object.keys(world.current.fields).map((field) => [`NATS_${field.toUpperCase()}`, `{${field}}`])),
        attest: { use: 'issuer', application: '{name}' },
        client: new URL('config-client.ts', import.meta.url),
        env: { NATS_SERVER: `127.0.0.1:${server.port}`, ...held, LOG_LEVEL: 'info' },
        admin: {},
      })
      expect(ran, ran.said).toMatchObject({ code: 0 })
      expect(report, JSON.stringify(report)).toMatchObject({ failed: 0, reasons: {} })
      expect(report.requests).toBeGreaterThan(300)
      expect(env['LOG_LEVEL']).toBe('info')
      expect(env[strategy === 'overlap' ? 'NATS_SEED' : 'NATS_USER']).not.toBe(held[strategy === 'overlap' ? 'NATS_SEED' : 'NATS_USER'])
      expect(world.text()).not.toContain(strategy === 'overlap' ? world.current.id : '"worker"')
    } finally {
      await world.close()
    }
  })
})
