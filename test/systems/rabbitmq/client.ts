import { connect as login } from 'amqplib'
import type { Connect } from '../rig/client.ts'

/** A connection and a channel with confirms, as services hold them: each operation publishes and gets its message back. */
const connect: Connect = async (env) => {
  const url = new URL(env['AMQP_URL'] ?? '')
  const connection = await login(url.href)
  // What is under way fails by itself; unheard, a cut would end the process.
  connection.on('error', () => undefined)
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => undefined)
  await channel.assertQueue('work', { durable: false })
  return {
    value: decodeURIComponent(url.password),
    async work() {
      await new Promise<void>((resolve, reject) => {
        channel.sendToQueue('work', Buffer.from('x'), {}, (error) => (error === null ? resolve() : reject(error)))
      })
      await channel.get('work', { noAck: true })
    },
    close: () => connection.close(),
  }
}

export default connect
