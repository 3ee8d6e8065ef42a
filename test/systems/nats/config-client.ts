import { connect as login, nkeyAuthenticator, usernamePasswordAuthenticator } from '@nats-io/transport-node'
import type { Connect } from '../rig/client.ts'

/** The usual client, with a password or a key. Its operation is a publish that JetStream acknowledges. */
const connect: Connect = async (env, name) => {
  const { NATS_SEED: seed, NATS_USER: user = '', NATS_PASSWORD: password = '' } = env
  const authenticator = seed === undefined ? usernamePasswordAuthenticator(user, password) : nkeyAuthenticator(Buffer.from(seed))
  const connection = await login({ servers: env['NATS_SERVER'] ?? '', name, authenticator })
  return {
    value: seed ?? password,
    async work() {
      const ack = await connection.request('work.done', 'x', { timeout: 2_000 })
      if (typeof ack.json<{ readonly seq?: number }>().seq !== 'number') throw new TypeError('not kept')
    },
    close: () => connection.drain(),
  }
}

export default connect
