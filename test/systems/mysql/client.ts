import { createPool } from 'mysql2/promise'
import type { Connect } from '../rig/client.ts'

/** A pool of the usual driver, as services hold one. */
const connect: Connect = async (env) => {
  const dsn = new URL(env['DATABASE_URL'] ?? '')
  const password = decodeURIComponent(dsn.password)
  const pool = createPool({
    host: dsn.hostname, port: Number(dsn.port), user: decodeURIComponent(dsn.username), password, database: dsn.pathname.slice(1),
    connectionLimit: 10, maxIdle: 2, idleTimeout: 1_000,
  })
  await pool.query('SELECT 1')
  return {
    value: password,
    async work() {
      await pool.query('INSERT INTO work VALUES (1)')
      await pool.query('SELECT SLEEP(0.01)')
    },
    close: () => pool.end(),
  }
}

export default connect
