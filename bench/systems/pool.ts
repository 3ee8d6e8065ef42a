import { Pool, type PoolConfig } from 'pg'

/** So long a connection lives, seconds: a password that was changed is felt within it, not at the next deployment. */
export const LIFETIME_SECONDS = 1

/** What both kinds of the service work with: the driver's own pool, ten connections at most. */
export function openPool(config: PoolConfig, name: string): Pool {
  const pool = new Pool({ ...config, application_name: name, max: 10, maxLifetimeSeconds: LIFETIME_SECONDS, connectionTimeoutMillis: 2_000 })
  // The server may end an idle connection at any time; the pool drops it.
  pool.on('error', () => undefined)
  return pool
}

/** One operation: a row is written, and the connection is held for 50 ms, so that several are in use. */
export const OPERATION = 'with visit as (insert into visits (instance) values ($1) returning id) select id, pg_sleep(0.05)::text from visit'
