import type { Connect } from '../../test/systems/rig/client.ts'
import { openPool, OPERATION } from './pool.ts'

/** A service that logs in with the DSN of its env file. */
const connect: Connect = async (env, name) => {
  const dsn = env['DATABASE_URL'] ?? ''
  const pool = openPool({ connectionString: dsn }, name)
  try {
    await pool.query('select 1')
  } catch (thrown) {
    await pool.end()
    throw thrown
  }
  return {
    value: decodeURIComponent(new URL(dsn).password),
    async work() { await pool.query(OPERATION, [name]) },
    close: () => pool.end(),
  }
}

export default connect
