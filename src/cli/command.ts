import type { Session } from './session.ts'

/** What a file in commands/ exports. */
export interface CommandModule {
  /** Runs the command and answers with its exit code. */
  run(session: Session, words: readonly string[], options: Readonly<Record<string, unknown>>): Promise<number>
}

/** The headings of help, in their order. */
export const GROUPS = ['Rotate', 'Look', 'Set up', 'Use', 'State and proof'] as const

export interface CommandEntry {
  /** The verb and its words, as commander reads them. */
  readonly words: string
  /** Under which heading help lists it. */
  readonly group: (typeof GROUPS)[number]
  readonly says: string
  readonly options: readonly (readonly [flags: string, says: string])[]
  /** False for the ones that work without a manifest. */
  readonly manifest?: false
  /** Left out of help and docs: the completion scripts call it. */
  readonly hidden?: true
  /** It deals with SIGINT and SIGTERM by itself: nothing of keyturn's own is under way that would have to reach the disk. */
  readonly ownSignals?: true
  readonly load: () => Promise<CommandModule>
}

const MANIFEST = ['-f, --manifest <file>', 'the manifest (default: keyturn.yaml in this folder)'] as const
const JSON_OUTPUT = ['--json', 'print JSON; see docs/json.md'] as const

/** The options of a command with those that all have. */
export function optionsOf(entry: CommandEntry): CommandEntry['options'] {
  return [...entry.options, ...(entry.manifest === false ? [] : [MANIFEST]), JSON_OUTPUT]
}
