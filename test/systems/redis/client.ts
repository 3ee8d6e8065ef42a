import { createClient } from '@redis/client'
import type { Connect } from '../rig/client.ts'

/** The usual client library with its own ways: one connection, which it opens again when it is lost, and a queue while it is. */
const connect: Connect = async (env, name) => {
  const url = new URL(env['REDIS_URL'] ?? '')
  const client = createClient({ url: url.href, name })
  client.on('error', () => undefined)
  await client.connect()
  return {
    value: decodeURIComponent(url.password),
    async work() {
      await client.set(`app:${name}`, '1')
      await client.get(`app:${name}`)
    },
    close: () => client.close(),
  }
}

export default connect
