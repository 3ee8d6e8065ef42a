import type { CompiledQuery, Kysely } from 'kysely'
import type { Ms } from '../kit/call.ts'
import type { Commit } from './commit.ts'
import type { Tables } from './schema.ts'

/** The databases that a state can lie in. */
export type BackendKind = 'sqlite' | 'postgres'

/** A database with the tables of a state, and everything in which one differs from the other. */
export interface Backend {
  readonly kind: BackendKind
  /** In which schema of the database the tables lie; absent where there are none. */
  readonly schema?: string
  readonly db: Kysely<Tables>
  readonly commit: Commit
  /**
   * Unix ms by the clock that leases count by: this machine's, or the database's where several machines share it. Throws CLOCK_WRONG
   * when this machine's differs from that one by more than half of `skew`: times in journals are of the machine that wrote them.
   */
  readonly clock: () => Promise<number>
  /** By how much the clocks of two machines that share the state may differ, ms; 0 when there is one machine only. */
  readonly skew: Ms
  /**
   * Until its transaction ends no other one gets past a statement with the same key. Absent where writers follow one another anyway.
   */
  readonly exclusive?: (key: string) => CompiledQuery
  /** Until the transaction ends nobody else changes a rotation. Absent where every transaction does that by itself. */
  readonly freeze?: (tx: Kysely<Tables>) => Promise<void>
  readonly version: VersionKeeper
  /**
   * Text of a library that only gives hints, perhaps of many statements, on connections of its own: what it changed may be gone after
   * a crash of the server. Absent where no such library is used.
   */
  readonly hint?: (text: string, values: readonly unknown[]) => Promise<{ readonly rows: unknown[] }>
  /** Closes its connections. */
  close(): Promise<void>
}

/** Where the version of the tables is kept. */
export interface VersionKeeper {
  /** 0 when there are no tables yet. */
  read(db: Kysely<Tables>): Promise<number>
  /** Called first in a transaction that migrates: no other one does so meanwhile, and there is a place for the tables. */
  begin(tx: Kysely<Tables>): Promise<void>
  write(tx: Kysely<Tables>, version: number): Promise<void>
}
