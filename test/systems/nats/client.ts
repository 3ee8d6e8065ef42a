import { connect as login, jwtAuthenticator } from '@nats-io/transport-node'
import type { Connect } from '../rig/client.ts'

/** The usual client. Its operation is a publish that JetStream acknowledges: a message that is lost, or not kept, is a failure. */
const connect: Connect = async (env, name) => {
  const seed = env['NATS_SEED'] ?? ''
  const connection = await login({ servers: env['NATS_SERVER'] ?? '', name, authenticator: jwtAuthenticator(env['NATS_JWT'] ?? '', Buffer.from(seed)) })
  return {
    value: seed,
    async work() {
      const ack = await connection.request('work.done', 'x', { timeout: 2_000 })
      if (typeof ack.json<{ readonly seq?: number }>().seq !== 'number') throw new TypeError('not kept')
    },
    close: () => connection.drain(),
  }
}

export default connect
