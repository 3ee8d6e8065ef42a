import { afterAll, beforeAll, expect, it } from 'vitest'
import { configOf, loginAs, lookUp, makeAccount } from '../../servers/nats.ts'
import { proves } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type RealNats, startNatsServer } from './server.ts'
import { natsServers } from './system.ts'

const program = await natsServers[0].bring()
let server: RealNats
beforeAll(async () => { server = await startNatsServer(program) })
afterAll(() => server.stop())

proves(() => ({ connector: 'nats', as: 'load', strategy: 'overlap', on: server.version }))

it('no message of a service with two instances is lost while its user is rotated and the old one revoked (S1-43, C-04)', async () => {
  const account = await makeAccount(server, { jetstream: true })
  const user = await account.user('worker')
  const setup = await loginAs(server, user, 'setup')
  await setup.request('$JS.API.STREAM.CREATE.WORK', JSON.stringify({ name: 'WORK', subjects: ['work.>'], storage: 'memory', num_replicas: 1 }))
  await setup.close()
  const { issuer, env: admin } = configOf(server, account, server.port)
  const { ran, report, env } = await rotateUnderLoad({
    issuer: { use: 'nats', ...issuer },
    bind: { NATS_JWT: '{jwt}', NATS_SEED: '{seed}' },
    attest: { use: 'issuer', application: '{name}' },
    client: new URL('client.ts', import.meta.url),
    env: { NATS_SERVER: `127.0.0.1:${server.port}`, NATS_JWT: user.fields['jwt']?.reveal() ?? '', NATS_SEED: user.fields['seed']?.reveal() ?? '', LOG_LEVEL: 'info' },
    admin,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  expect(report).toMatchObject({ failed: 0, reasons: {} })
  expect(report.requests).toBeGreaterThan(300)
  expect(env['LOG_LEVEL']).toBe('info')
  expect(env['NATS_SEED']).not.toBe(user.fields['seed']?.reveal())
  expect(Object.keys((await lookUp(server, account)).nats.revocations ?? {})).toEqual([user.id])
})
