import { startFakeBroker } from '../../../src/connectors/rabbitmq/fake.ts'
import { makeUser } from '../../systems/rabbitmq/world.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(): Promise<Outside> {
  const server = await startFakeBroker()
  await server.ask('PUT', '/api/vhosts/shop')
  const current = await makeUser(server, 'shop', 'app')
  const [api, amqp] = [await openLine(Number(new URL(server.url).port)), await openLine(server.amqpPort)]
  return {
    issuer: {
      api: `http://127.0.0.1:${api.port}`, admin: { user: server.admin.user, password: '${env:ADMIN}' },
      endpoints: [{ name: 'primary', host: '127.0.0.1', port: amqp.port }], user: current.id, vhost: 'shop',
    },
    env: { ADMIN: server.admin.password }, current, lines: [api, amqp], close: () => server.close(),
  }
}

export const rabbitmq: readonly Row[] = ['alternate', 'in-place'].map((strategy) => ({ connector: 'rabbitmq', strategy, start }))
