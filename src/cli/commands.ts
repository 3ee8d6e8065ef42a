import type { Session } from './session.ts'

/** What a file in commands/ exports. */
export interface CommandModule {
  /** Runs the command and answers with its exit code. */
  run(session: Session, words: readonly string[], options: Readonly<Record<string, unknown>>): Promise<number>
}

export interface CommandEntry {
  /** The verb and its words, as commander reads them. */
  readonly words: string
  readonly says: string
  readonly options: readonly (readonly [flags: string, says: string])[]
  /** False for the ones that work without a manifest. */
  readonly manifest?: false
  readonly load: () => Promise<CommandModule>
}

/** Every command of the CLI: the one table from which help, docs and completion come. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    words: 'plan [secret]',
    says: 'show what a rotation would do, and change nothing; all secrets when none is named',
    options: [
      ['--offline', 'do not look at the systems, only at the manifest'],
      ['--out <file>', 'also write the plan as JSON, for `rotate --plan`'],
    ],
    load: () => import('./commands/plan.ts'),
  },
  {
    words: 'rotate <secret>',
    says: 'rotate a secret: run to the first wait, or with --wait to the end',
    options: [
      ['--wait', 'stay through grace and undo window instead of exiting with 4'],
      ['--plan <file>', 'refuse (3) when the world is no longer the one of this plan'],
      ['--reason <text>', 'why, for the journal and the receipt'],
      ['--adopt', 'take the value in the stores as the current one, though the ledger has never seen it'],
    ],
    load: () => import('./commands/rotate.ts'),
  },
  {
    words: 'resume [rotation]',
    says: 'go on with an open rotation; with all that are open when none is named',
    options: [['--wait', 'stay through the waits']],
    load: () => import('./commands/resume.ts'),
  },
  { words: 'status', says: 'show the open rotations: where each stands and what it waits for', options: [], load: () => import('./commands/status.ts') },
  {
    words: 'abort <rotation>',
    says: 'roll an open rotation back; possible until the old credential is being turned off',
    options: [['--wait', 'stay through the waits']],
    load: () => import('./commands/abort.ts'),
  },
  {
    words: 'undo <rotation>',
    says: 'turn the old credential on again in its undo window, and go back to it',
    options: [['--wait', 'stay through the waits']],
    load: () => import('./commands/undo.ts'),
  },
  {
    words: 'run',
    says: 'go on with everything that is due, for ever; with --once until nothing is due, for cron',
    options: [['--once', 'stop when nothing is due now']],
    load: () => import('./commands/run.ts'),
  },
  { words: 'show <rotation>', says: 'show one rotation: its plan, its steps and what was seen', options: [['--events', 'every entry of the journal']], load: () => import('./commands/show.ts') },
  { words: 'history [secret]', says: 'list past and open rotations', options: [], load: () => import('./commands/history.ts') },
  {
    words: 'audit <verify|export>',
    says: 'verify the journals, checkpoints and receipts; or export a signed checkpoint of all journals',
    options: [
      ['--receipt <file>', 'verify one receipt, offline'],
      ['--key <file>', 'the public key (PEM) that must have signed'],
      ['--checkpoint <file>', 'verify the journals against this exported checkpoint'],
      ['--out <file>', 'where to write the checkpoint'],
    ],
    load: () => import('./commands/audit.ts'),
  },
]
