import type { Part } from './parts/part.ts'

/** What a folder beside this file proves, and what it needs for that: `system.ts` in it exports one as `default`. */
export interface System {
  /** One sentence: what is proven against what. */
  readonly says: string
  /** Its test files, and the parts without which each cannot run. */
  readonly runs: Readonly<Record<string, readonly Part[]>>
}
