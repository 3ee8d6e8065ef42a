import type { CompiledQuery, Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/** One statement of several that are written together. */
export interface Written {
  readonly query: CompiledQuery
  /** What is thrown when it changes no row; then nothing of all of them is written. Absent: it may change none. */
  readonly unless?: () => Error
}

/** Writes all statements, in order, in one durable transaction, or none of them. */
export type Commit = (statements: readonly Written[]) => Promise<void>

/** {@link Commit} for any database that Kysely knows. */
export function committer(db: Kysely<Tables>): Commit {
  return (statements) =>
    db.transaction().execute(async (tx) => {
      for (const { query, unless } of statements) {
        const { numAffectedRows } = await tx.executeQuery(query)
        if (unless !== undefined && numAffectedRows === 0n) throw unless()
      }
    })
}
