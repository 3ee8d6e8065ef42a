import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import type { Backend } from './backend.ts'
import type { Written } from './commit.ts'
import type { Tables } from './schema.ts'

/** Under a quarter of the lease, so that a writer that waits for another still holds its lease when it gets through. */
const BUSY_MS = 3_000

/**
 * A SQLite file: node:sqlite behind the few methods that Kysely's SQLite driver calls. Every transaction takes the write lock when it begins,
 * so that none fails half-way for want of it. WAL with full sync: a commit that answered is on disk.
 */
export async function openSqlite(file: string): Promise<Backend> {
  // Loaded here and not at the top: planning opens no state, and its start should not pay for it.
  const [{ Kysely, SqliteDialect, sql }, sqlite] = await Promise.all([import('kysely'), import('node:sqlite')])
  const database = new sqlite.DatabaseSync(file)
  for (const pragma of PRAGMAS) database.exec(`PRAGMA ${pragma}`)
  const statements = new Statements(database)
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: () => Promise.resolve(statements) }) })
  return {
    kind: 'sqlite',
    db,
    clock: () => Promise.resolve(Date.now()),
    skew: 0,
    version: {
      async read(at) {
        const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(at)
        return rows[0]?.user_version ?? 0
      },
      begin: () => Promise.resolve(),
      write: async (tx, version) => void (await sql.raw(`pragma user_version = ${version}`).execute(tx)),
    },
    close: () => db.destroy(),
    // In one go nothing comes between; only a transaction of this process that is open on the connection has to end first.
    commit: async (written) => (database.isTransaction ? db.connection().execute(async () => statements.commit(written)) : statements.commit(written)),
  }
}

/** The pragmas of every connection to the state; the benchmark's raw connection sets the same. */
export const PRAGMAS = [
  `busy_timeout = ${BUSY_MS}`,
  'journal_mode = WAL',
  'synchronous = FULL',
  'secure_delete = ON',
  'foreign_keys = ON',
] as const

/** The prepared statements of one connection, by their text. */
class Statements implements SqliteDatabase {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, SqliteStatement>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  close(): void {
    this.#database.close()
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const prepared = adapt(this.#database.prepare(sql === 'begin' ? 'begin immediate' : sql))
    const statement = sql === 'rollback' ? ifOpen(this.#database, prepared) : prepared
    this.#prepared.set(sql, statement)
    return statement
  }

  /** A transaction in one go: SQLite answers at once, and what takes longest in a small one is waiting for turns in between. */
  commit(written: readonly Written[]): void {
    this.prepare('begin').run([])
    try {
      for (const { query, unless } of written) {
        const { changes } = this.prepare(query.sql).run(query.parameters)
        if (unless !== undefined && Number(changes) === 0) throw unless()
      }
      this.prepare('commit').run([])
    } catch (thrown) {
      this.prepare('rollback').run([])
      throw thrown
    }
  }
}

/**
 * A full disk ends the transaction by itself (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
 * Rolling back once more would fail, and that failure would stand in the place of the one that matters.
 */
function ifOpen(database: DatabaseSync, rollback: SqliteStatement): SqliteStatement {
  return { ...rollback, run: (parameters) => (database.isTransaction ? rollback.run(parameters) : { changes: 0, lastInsertRowid: 0 }) }
}

function adapt(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
  }
}
