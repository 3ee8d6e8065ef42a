import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteDialect, SqliteStatement } from 'kysely'

/** Under a quarter of the lease, so that a writer that waits for another still holds its lease when it gets through. */
const BUSY_MS = 3_000

/**
 * node:sqlite behind the few methods that Kysely's SQLite driver calls. Every transaction takes the write lock when it begins,
 * so that none fails half-way for want of it. WAL with full sync: a commit that answered is on disk.
 */
export async function sqliteDialect(file: string): Promise<SqliteDialect> {
  const { SqliteDialect } = await import('kysely')
  return new SqliteDialect({ database: () => Promise.resolve(openSqlite(file)) })
}

/** The pragmas of every connection to the state; the benchmark's raw connection sets the same. */
export const PRAGMAS = [
  `busy_timeout = ${BUSY_MS}`,
  'journal_mode = WAL',
  'synchronous = FULL',
  'secure_delete = ON',
  'foreign_keys = ON',
] as const

function openSqlite(file: string): SqliteDatabase {
  const database = new DatabaseSync(file)
  for (const pragma of PRAGMAS) database.exec(`PRAGMA ${pragma}`)
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const known = statements.get(sql)
      if (known !== undefined) return known
      const prepared = database.prepare(sql === 'begin' ? 'begin immediate' : sql)
      const statement = sql === 'rollback' ? ifOpen(database, adapt(prepared)) : adapt(prepared)
      statements.set(sql, statement)
      return statement
    },
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
