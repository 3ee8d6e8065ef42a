import { Client } from 'pg'
import type { Connect } from '../rig/client.ts'

/** As services do that log in for each piece of work: a password that is not accepted any more is felt at once. */
const connect: Connect = async (env, name) => {
  const dsn = new URL(env['DATABASE_URL'] ?? '')
  const once = async (): Promise<void> => {
    const client = new Client({ connectionString: dsn.href, application_name: name, connectionTimeoutMillis: 2_000 })
    // The server may end it at any time; what is under way fails by itself.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('select 1')
    } finally {
      await client.end()
    }
  }
  await once()
  return { value: decodeURIComponent(dsn.password), work: once, close: async () => undefined }
}

export default connect
