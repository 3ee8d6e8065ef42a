import { createClient } from '@redis/client'
import type { Connect } from '../rig/client.ts'

/** As services do that log in for each piece of work: a password that is not accepted any more is felt at once. */
const connect: Connect = async (env) => {
  const url = new URL(env['REDIS_URL'] ?? '')
  const once = async (): Promise<void> => {
    const client = createClient({ url: url.href, socket: { reconnectStrategy: false } })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.ping()
    } catch (thrown) {
      // The library gives an answer of the server no code; its first word is one.
      const code = thrown instanceof Error ? /^[A-Z]{4,}/.exec(thrown.message)?.[0] : undefined
      throw code === undefined ? thrown : Object.assign(new Error('refused'), { code })
    } finally {
      if (client.isOpen) client.destroy()
    }
  }
  await once()
  return { value: decodeURIComponent(url.password), work: once, close: async () => undefined }
}

export default connect
