import { connect as login } from 'amqplib'
import type { Connect } from '../rig/client.ts'

/** As services do that log in for each piece of work: a password that is not accepted any more is felt at once. */
const connect: Connect = async (env) => {
  const url = new URL(env['AMQP_URL'] ?? '')
  const once = async (): Promise<void> => {
    try {
      const connection = await login(url.href)
      connection.on('error', () => undefined)
      await connection.close()
    } catch (thrown) {
      // The library gives an answer of the broker no code; its text has one: `403 (ACCESS_REFUSED)`.
      const code = thrown instanceof Error ? /ACCESS[_-]REFUSED/.exec(thrown.message)?.[0] : undefined
      throw code === undefined ? thrown : Object.assign(new Error('refused'), { code })
    }
  }
  await once()
  return { value: decodeURIComponent(url.password), work: once, close: async () => undefined }
}

export default connect
