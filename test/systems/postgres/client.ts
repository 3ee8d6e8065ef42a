import { Pool } from 'pg'
import type { Connect } from '../rig/client.ts'

/** A pool of the usual driver whose connections live a second, so that a password that changed is felt at once. */
const connect: Connect = async (env, name) => {
  const dsn = new URL(env['DATABASE_URL'] ?? '')
  const pool = new Pool({ connectionString: dsn.href, application_name: name, max: 10, maxLifetimeSeconds: 1, connectionTimeoutMillis: 2_000 })
  // The server may end an idle connection at any time; the pool drops it.
  pool.on('error', () => undefined)
  await pool.query('select 1')
  return {
    value: decodeURIComponent(dsn.password),
    async work() { await pool.query('select pg_sleep(0.01)') },
    close: () => pool.end(),
  }
}

export default connect
