import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPretendedNats } from '../../../src/connectors/nats-config/fake.ts'
import { openIssuer } from '../../../src/connectors/nats-config/issuer.ts'
import { makeSeed, publicKeyOf } from '../../../src/connectors/nats-config/nkey.ts'
import { ownWays } from '../../../src/connectors/nats-config/node.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/index.ts'
import { configOf, type Strategy } from '../../servers/nats-config.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(strategy: Strategy): Promise<Outside> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-outages-'))
  const [password, seed] = [generate(ALNUM, 40), makeSeed()]
  const key = publicKeyOf(seed) ?? ''
  const file = join(folder, 'users.json')
  writeFileSync(file, `{\n  "users": [\n    { "user": "worker", "password": "${password}" },\n    { // keyturn:robot\n      "nkey": "${key}" }\n  ]\n}\n`, { mode: 0o600 })
  const server = await startPretendedNats(file, join(folder, 'pid'))
  const [nats, monitor] = [await openLine(server.port), await openLine(Number(new URL(server.monitor).port))]
  const { strategy: _, ...issuer } = { strategy, ...configOf({ port: nats.port, monitor: `http://127.0.0.1:${monitor.port}`, folder, signal: ownWays.signal, limit: () => undefined }, strategy) }
  const fields = strategy === 'overlap' ? { seed: new Secret(seed) } : { user: new Secret('worker'), password: new Secret(password) }
  return {
    issuer, env: {}, current: { id: strategy === 'overlap' ? key : 'worker', fields }, lines: [nats, monitor],
    // The pretended server is no process of its own.
    open: (config, host) => openIssuer(config, host, {
      ...ownWays,
      signal: (_pid, name) => { if (name === 'SIGHUP') void server.reload() },
    }),
    close: async () => {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const natsConfig: readonly Row[] = (['alternate', 'overlap', 'in-place'] as const).map((strategy) => ({ connector: 'nats-config', strategy, start: () => start(strategy) }))
