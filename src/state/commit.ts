import { setTimeout as pause } from 'node:timers/promises'
import type { CompiledQuery, Kysely } from 'kysely'
import type { Ms } from '../kit/call.ts'
import { foundNothing } from './joined.ts'
import { isUnreachable } from './postgres-error.ts'
import type { Tables } from './schema.ts'

/** One statement of several that are written together. */
export interface Written {
  readonly query: CompiledQuery
  /** What is thrown when it changes no row; then nothing of all of them is written. Absent: it may change none. */
  readonly unless?: () => Error
}

/**
 * Writes all statements, in order, in one durable transaction, or none of them. `landed` selects a row when they are written: it is
 * asked on another connection when the answer to the commit was lost. Whatever is thrown, none of them counts as written.
 */
export type Commit = (statements: readonly Written[], landed?: () => CompiledQuery) => Promise<void>

/** Between two looks whether a commit landed. */
const LOOK_AGAIN_MS = 200

/**
 * {@link Commit} for any database that Kysely knows; `patience` is how long it is looked for when the connection was lost, `join` makes
 * one statement of all where that can be.
 */
export function committer(db: Kysely<Tables>, patience: Ms = 0, join?: (statements: readonly Written[]) => CompiledQuery | undefined): Commit {
  return async (statements, landed) => {
    let sent = false
    const one = join?.(statements)
    try {
      if (one !== undefined) return await db.connection().execute(async (connection) => {
        sent = true
        await connection.executeQuery(one)
      })
      await db.transaction().execute(async (tx) => {
        for (const { query, unless } of statements) {
          const { numAffectedRows } = await tx.executeQuery(query)
          if (unless !== undefined && numAffectedRows === 0n) throw unless()
        }
        sent = true
      })
    } catch (thrown) {
      if (one !== undefined && foundNothing(thrown)) throw statements[0]?.unless?.() ?? thrown
      if (!sent || landed === undefined || !isUnreachable(thrown) || !(await didLand(db, landed(), patience))) throw thrown
    }
  }
}

/** Throws as the last look did when the database cannot be reached for all of the time. */
async function didLand(db: Kysely<Tables>, landed: CompiledQuery, patience: Ms): Promise<boolean> {
  for (const end = performance.now() + patience; ; await pause(LOOK_AGAIN_MS)) {
    try {
      return (await db.executeQuery(landed)).rows.length > 0
    } catch (thrown) {
      if (!isUnreachable(thrown) || performance.now() >= end) throw thrown
    }
  }
}
