import type { Answer } from './answer.ts'
import type { Call, ResourceKey } from './call.ts'
import type { Secret } from './secret.ts'

export interface StoreTraits {
  /** What can be read back: the value, a digest of it, or nothing. */
  readonly read: 'value' | 'digest' | 'none'
  /** Whether a write can be made conditional on the revision that was read. */
  readonly cas: boolean
  /** Whether a write ends with the process that makes it (a file): then a dead owner's write cannot land late. */
  readonly local?: boolean
  /** Whether there are keys beside those that the store has by its nature (a file that is one value); yes when absent. */
  readonly keys?: 'any' | 'fixed'
}

/** Keys and their values; a key that the store does not have is absent. */
export type Entries = Readonly<Record<string, Secret>>

/** Our keys with their new values; null takes a key away. */
export type Patch = Readonly<Record<string, Secret | null>>

/**
 * Where consumers read a value. Writes are patches of our keys: what is not ours stays byte for byte.
 * No method throws for what the outside does; it answers.
 */
export interface Store {
  readonly traits: StoreTraits
  /** Pure and canonical (a file: its real path). */
  identity(): ResourceKey
  /** For plans and messages: `dotenv /srv/app/.env`. */
  title(): string
  /** Whether it is a safe and writable place. Changes nothing. */
  preflight(call: Call): Promise<Answer<{ readonly notices: readonly string[] }>>
  /** Reads the named keys. `revision` stands for the whole content and changes whenever anything in it does. */
  read(keys: readonly string[], call: Call): Promise<Answer<{ readonly entries: Entries; readonly revision: string }>>
  /** Whether every declared reader of this store would read these entries exactly so. Pure; `refused` names key and reader. */
  accepts(entries: Entries): Answer<void>
  /**
   * Applies the patch if the content still has this revision, else refuses with CONFLICT. All or nothing, durable when it
   * answers. Repeating it after an unknown outcome is safe: read first, the values are either there or not.
   */
  write(patch: Patch, ifRevision: string, call: Call): Promise<Answer<{ readonly revision: string }>>
  /**
   * Whether what was written with this revision is what consumers read now. For a store whose readers have a copy that follows (a
   * Secret that a controller makes of a commit); absent where they read what was written. Changes nothing. `refused` when it will not
   * arrive by itself.
   */
  arrived?(written: Patch, revision: string, call: Call): Promise<Answer<{ readonly arrived: boolean; readonly why?: string }>>
  /** Takes away what a killed write may have left beside the target. Idempotent. */
  tidy(call: Call): Promise<Answer<void>>
}
