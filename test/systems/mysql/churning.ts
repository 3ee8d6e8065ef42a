import { createConnection } from 'mysql2/promise'
import type { Connect } from '../rig/client.ts'

/** As services do that log in for each piece of work: a password that is not accepted any more is felt at once. */
const connect: Connect = async (env) => {
  const dsn = new URL(env['DATABASE_URL'] ?? '')
  const password = decodeURIComponent(dsn.password)
  const once = async (): Promise<void> => {
    const connection = await createConnection({ host: dsn.hostname, port: Number(dsn.port), user: decodeURIComponent(dsn.username), password, database: dsn.pathname.slice(1) })
    try {
      await connection.query('SELECT 1')
    } finally {
      connection.destroy()
    }
  }
  await once()
  return { value: password, work: once, close: async () => undefined }
}

export default connect
