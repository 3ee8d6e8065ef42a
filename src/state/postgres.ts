import { hash } from 'node:crypto'
import type { CompiledQuery, PostgresPool, PostgresPoolClient } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { Ms } from '../kit/call.ts'
import { KeyturnError } from '../kit/error.ts'
import type { Secret } from '../kit/secret.ts'
import type { Backend } from './backend.ts'
import { committer } from './commit.ts'
import { joined } from './joined.ts'
import { schemaOf } from './place.ts'
import { isUnreachable, postgresError } from './postgres-error.ts'
import type { Tables } from './schema.ts'

/** How long what may take, ms. */
export interface Limits {
  /** A statement that waits for another run. */
  readonly lock: Ms
  readonly connect: Ms
  /** Any statement; also how long the server keeps a transaction whose client has gone without a word. */
  readonly query: Ms
  /** Looking whether a commit landed whose answer was lost. */
  readonly patience: Ms
}

/**
 * A statement waits as long as SQLite's does. All are below the lease, so that a run whose database is silent is not still waiting
 * for it when another one takes over; a restart of the server takes less than the patience.
 */
const LIMITS: Limits = { lock: 3_000, connect: 5_000, query: 10_000, patience: 10_000 }

/** As much as the engine takes for nothing when a journal is ahead of its clock. */
const SKEW_MS = 2_000

/** The type of what an int8 is: times and numbers of entries, all of them exact in a double. */
const INT8 = 20

/**
 * A PostgreSQL database, through pg's pool. Every commit that answered is on its disk, whatever the server's own default is. Each
 * connection needs a session of its own at the server: PgBouncer has to be in session mode. Nothing is connected yet. Throws
 * REFERENCE_UNRESOLVED when it is no URL of PostgreSQL; every later error comes translated, see postgres-error.ts.
 */
export async function openPostgres(url: Secret, limits: Limits = LIMITS): Promise<Backend> {
  const connectionString = readUrl(url)
  const schema = schemaOf(url)
  const [{ Kysely, PostgresDialect, sql }, { default: pg }] = await Promise.all([import('kysely'), import('pg')])
  const openPool = (synchronous: 'on' | 'off'): Pool => {
    const pool = new pg.Pool({
      connectionString, application_name: 'keyturn', keepAlive: true, connectionTimeoutMillis: limits.connect, query_timeout: limits.query,
      types: { getTypeParser: (type: number, format?: 'text' | 'binary') => (type === INT8 ? Number : pg.types.getTypeParser(type, format ?? 'text')) as never },
      onConnect: async (client) => void (await client.query(settings(schema, limits, synchronous))),
    })
    // An idle connection that is cut is told here, and one that is in use by its next statement; unheard, either would end the process.
    pool.on('error', () => undefined)
    pool.on('connect', (client) => client.on('error', () => undefined))
    return pool
  }
  const pool = openPool('on')
  // A hint that a crash of the server takes back is made again by the scan: nobody waits for the disk for it.
  const hints = openPool('off')
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: guarded({ connect: () => pool.connect(), end: () => pool.end() }) }) })
  return {
    kind: 'postgres',
    schema,
    db,
    commit: committer(db, limits.patience, joined),
    async clock() {
      const asked = Date.now()
      const { rows } = await sql<{ now: number }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db)
      const now = rows[0]?.now ?? asked
      // It was read at some time in between.
      const off = Math.max(asked - now, now - Date.now())
      if (off > SKEW_MS / 2) throw new KeyturnError('CLOCK_WRONG', `this machine's clock differs from that of the state by ${Math.round(off / 1_000)} s`)
      return now
    },
    skew: SKEW_MS,
    exclusive: (key): CompiledQuery => sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.compile(db),
    freeze: async (tx) => void (await sql`lock table rotation in exclusive mode`.execute(tx)),
    version: {
      async read(at) {
        const { rows } = await sql<{ there: boolean }>`select to_regclass(${`${quoted(schema)}.meta`}) is not null as there`.execute(at)
        if (rows[0]?.there !== true) return 0
        const row = await at.selectFrom('meta').select('value').where('key', '=', 'version').executeTakeFirst()
        return Number(row?.value ?? 0)
      },
      async begin(tx) {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`keyturn migrates ${schema}`}, 0))`.execute(tx)
        const { rows } = await sql<{ there: boolean }>`select to_regnamespace(${quoted(schema)}) is not null as there`.execute(tx)
        // Only then: a schema that an administrator has made needs no right to make one.
        if (rows[0]?.there !== true) await sql`create schema ${sql.id(schema)}`.execute(tx)
      },
      async write(tx, version) {
        const row = { key: 'version', value: String(version) }
        await tx.insertInto('meta').values(row).onConflict((oc) => oc.column('key').doUpdateSet({ value: row.value })).execute()
      },
    },
    hint: (text, values) => hints.query(text, [...values]).catch(translated),
    close: async () => void (await Promise.all([db.destroy(), hints.end()])),
  }
}

/** What every connection is set to, whatever server, database or role say. */
function settings(schema: string, limits: Limits, synchronous: 'on' | 'off'): string {
  const values: Readonly<Record<string, string>> = {
    search_path: quoted(schema),
    synchronous_commit: synchronous,
    default_transaction_isolation: `'read committed'`,
    lock_timeout: String(limits.lock),
    // Such a transaction would hold its rows until the network finds out.
    idle_in_transaction_session_timeout: String(limits.query),
  }
  return Object.entries(values).map(([name, value]) => `set ${name} to ${value}`).join('; ')
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The URL as pg takes it, with libpq's meaning of `sslmode`. */
function readUrl(secret: Secret): string {
  const url = URL.parse(secret.reveal())
  if (url === null) throw new KeyturnError('REFERENCE_UNRESOLVED', '`state` gives no URL of PostgreSQL')
  if (url.searchParams.has('sslmode')) url.searchParams.set('uselibpqcompat', 'true')
  return url.href
}

/**
 * Translates what is thrown, and gives a connection back for good once it was lost or was silent for too long: it would answer the
 * next statement with the answer to this one, or never.
 */
function guarded(pool: { connect(): Promise<PoolClient>; end(): Promise<void> }): PostgresPool {
  return { connect: async () => guard(await pool.connect().catch(translated)), end: () => pool.end(), options: {} }
}

function guard(client: PoolClient): PostgresPoolClient {
  let lost: unknown
  const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    if (lost !== undefined) throw lost
    try {
      return await client.query(values.length === 0 ? { text } : { name: nameOf(text), text, values: [...values] })
    } catch (thrown) {
      const error = postgresError(thrown)
      if (isUnreachable(error)) lost = error
      throw error
    }
  }
  return { query: query as PostgresPoolClient['query'], release: (discard?: boolean) => client.release(discard === true || lost !== undefined) }
}

/** Statements with values are few, and each is planned once by every connection: by this name the server knows it again. */
function nameOf(text: string): string {
  return `keyturn_${hash('sha1', text).slice(0, 24)}`
}

function translated(thrown: unknown): never {
  throw postgresError(thrown)
}
