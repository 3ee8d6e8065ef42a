import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type ConfigServer, makeConfigWorld } from '../../../test/servers/nats-config.ts'
import { proving } from '../../../test/systems/claims.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { type PretendedNats, startPretendedNats } from './fake.ts'

let nats: PretendedNats
let server: ConfigServer
const folder = mkdtempSync(join(tmpdir(), 'keyturn-nats-config-'))

beforeAll(async () => {
  writeFileSync(join(folder, 'users.json'), '{ "users": [] }')
  nats = await startPretendedNats(join(folder, 'users.json'), join(folder, 'pid'))
  server = {
    port: nats.port, monitor: nats.monitor, folder, limit: nats.limit,
    signal(pid, name) {
      if (pid !== nats.pid) throw Object.assign(new Error('no such process'), { code: 'ESRCH' })
      if (name === 'SIGHUP') void nats.reload()
    },
  }
})
afterAll(async () => {
  await nats.close()
  rmSync(folder, { recursive: true, force: true })
})

for (const strategy of ['alternate', 'overlap', 'in-place'] as const) {
  issuerSuite(proving({ connector: 'nats-config', as: 'issuer', strategy, on: 'fake' }), `nats-config, ${strategy}`, () => makeConfigWorld(server, strategy))
}
