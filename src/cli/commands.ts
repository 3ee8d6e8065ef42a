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

/** Which of several secrets are meant. */
const CHOOSE = [
  ['--all', 'every active secret'],
  ['--due', 'those whose time is over, or that follow one that was rotated since'],
  ['--owner <name>', 'those of this owner'],
  ['--tag <tag>', 'those with this tag'],
  ['--only', 'not those that follow them (`on` in the manifest)'],
] as const

/** The options of a command with those that all have. */
export function optionsOf(entry: CommandEntry): CommandEntry['options'] {
  return [...entry.options, ...(entry.manifest === false ? [] : [MANIFEST]), JSON_OUTPUT]
}

/** Every command of the CLI: the one table from which help, docs and completion come. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    words: 'init [folder]',
    group: 'Set up',
    says: 'look through a repository for secrets and write a manifest with what is certain; the rest stands in it as comments',
    options: [
      ['--out <file>', 'where to write it (default: keyturn.yaml in that folder)'],
      ['--force', 'overwrite a manifest that is there'],
      ['--dry-run', 'print the manifest and write nothing'],
      ['--environment <name>', 'development, staging or production (default: what the names of env files say)'],
    ],
    manifest: false,
    load: () => import('./commands/init.ts'),
  },
  {
    words: 'inventory',
    group: 'Look',
    says: 'list every secret: owner, issuer, where its keys lie, who reads them, when it was rotated; and the keys beside them that no secret covers',
    options: [],
    load: () => import('./commands/inventory.ts'),
  },
  {
    words: 'plan [secret...]',
    group: 'Rotate',
    says: 'show what a rotation would do, and change nothing; of several also in what order, and what restarts once for them; all secrets when none is named',
    options: [
      ...CHOOSE,
      ['--offline', 'do not look at the systems, only at the manifest'],
      ['--out <file>', 'also write the plan as JSON, for `rotate --plan`'],
    ],
    load: () => import('./commands/plan.ts'),
  },
  {
    words: 'runbook [secret]',
    group: 'Look',
    says: 'write down how a secret is rotated by hand: a text that holds no value and needs no keyturn; all secrets when none is named',
    options: [['--out <file>', 'write it to this file']],
    load: () => import('./commands/runbook.ts'),
  },
  {
    words: 'rotate [secret...]',
    group: 'Rotate',
    says: 'rotate secrets: run to the first wait, or with --wait to the end; several as one, with what follows them, and what they share restarts once',
    options: [
      ...CHOOSE,
      ['--keep-going', 'one of several that fails does not stop the others'],
      ['--wait', 'stay through grace and undo window instead of exiting with 4'],
      ['--plan <file>', 'refuse (3) when the world is no longer the one of this plan'],
      ['--reason <text>', 'why, for the journal and the receipt'],
      ['--accept-impact', 'what users will feel is accepted; needed for a hard cut, journaled'],
      ['--adopt', 'take the value in the stores as the current one, though the ledger has never seen it'],
    ],
    load: () => import('./commands/rotate.ts'),
  },
  {
    words: 'set <secret>',
    group: 'Rotate',
    says: 'rotate a secret to a value that you give: asked for without being shown; refused for one that the provider makes',
    options: [
      ['--file <file>', 'take the value from this file; of several fields a JSON object'],
      ['--stdin', 'take it from standard input'],
      ['--generate', 'have it generated, like `rotate`'],
      ['--reason <text>', 'why, for the journal and the receipt'],
      ['--accept-impact', 'what users will feel is accepted; needed for a hard cut, journaled'],
      ['--wait', 'stay through grace and undo window instead of exiting with 4'],
    ],
    load: () => import('./commands/set.ts'),
  },
  {
    words: 'resume [rotation]',
    group: 'Rotate',
    says: 'go on with an open rotation; with all that are open when none is named',
    options: [
      ['--wait', 'stay through the waits'],
      ['--acknowledge <name...>', 'answer in person for instances that cannot prove what they hold, for the `clock`, or for the `usage` of the old credential; journaled'],
      ['--reason <text>', 'why you can answer for them'],
    ],
    load: () => import('./commands/resume.ts'),
  },
  { words: 'status', group: 'Look', says: 'show the open rotations: where each stands and what it waits for', options: [], load: () => import('./commands/status.ts') },
  {
    words: 'abort <rotation>',
    group: 'Rotate',
    says: 'roll an open rotation back; possible until the old credential is being turned off',
    options: [['--wait', 'stay through the waits']],
    load: () => import('./commands/abort.ts'),
  },
  {
    words: 'undo <rotation>',
    group: 'Rotate',
    says: 'turn the old credential on again in its undo window, and go back to it',
    options: [['--wait', 'stay through the waits']],
    load: () => import('./commands/undo.ts'),
  },
  {
    words: 'rollback <rotation>',
    group: 'Rotate',
    says: 'take back a rotation that is done, while the old credential can be used again: a rotation of its own with old and new swapped; one that is open goes back as by abort or undo',
    options: [
      ['--reason <text>', 'why, for the journal and the receipt'],
      ['--accept-impact', 'what users will feel is accepted; needed for a hard cut, journaled'],
      ['--wait', 'stay through grace and undo window instead of exiting with 4'],
    ],
    load: () => import('./commands/rollback.ts'),
  },
  {
    words: 'emergency [secret...]',
    group: 'Rotate',
    says: 'take secrets for compromised: end everything live of them at once, then make and present new ones; see docs/emergency.md',
    options: [
      ['--reason <text>', 'why; the journal and the incident keep it'],
      ['--mint-first', 'make and present the new one before anything is ended: no outage, a longer exposure'],
      ['--leak <url>', 'where it leaked; kept without login and query'],
      ['--used-by <consumer>', 'every secret that this consumer uses'],
      ['--in-store <store>', 'every secret that this store keeps'],
      ['--yes', 'do not ask; needed where there is no terminal'],
      ['--out <folder>', 'also write the record of the incident there, as Markdown and JSON'],
    ],
    load: () => import('./commands/emergency.ts'),
  },
  {
    words: 'incident [list|show|answer|close] [incident] [accessed|told|leaked|removed]',
    group: 'State and proof',
    says: 'the records of emergencies: list them, show or write one, answer its questions, close it when all are answered',
    options: [
      ['--text <text>', 'answer: what is to be said'],
      ['--by <name>', 'answer: the person who says it; the account that runs keyturn when absent'],
      ['--out <folder>', 'show: also write it there, as Markdown and JSON'],
    ],
    load: () => import('./commands/incident.ts'),
  },
  {
    words: 'run',
    group: 'Rotate',
    says: 'begin what the schedule says and go on with everything that is due, for ever; with --once until nothing is due, for cron',
    options: [
      ['--once', 'stop when nothing is due now'],
      ['--workers <n>', 'in so many processes, which are started again when they die; more may run on other machines'],
      ['--concurrency <n>', 'so many rotations at the same time in each process (default: 32)'],
    ],
    load: () => import('./commands/run.ts'),
  },
  {
    words: 'task [list|show|answer|decline] [rotation] [command...]',
    group: 'Rotate',
    says: 'what people are asked to do: list it, show one, answer it (a value is asked for without being shown) or decline it',
    options: [
      ['--file <file>', 'answer with what is in this file; of several fields a JSON object. With --hand-over: write the value there (0600, a new file)'],
      ['--stdin', 'answer with what comes on standard input'],
      ['--hand-over <receiver>', 'show: take the value out for this outside receiver, once: onto the terminal, into --file, or to the command after `--` on its standard input'],
      ['--again', 'with --hand-over: once more, for it did not get there'],
      ['--receiver <name...>', 'answer: these outside receivers have taken the value'],
      ['--leave', 'answer: only that; `keyturn run` elsewhere goes on, where stores and consumers can be reached'],
      ['--reason <text>', 'why it is declined'],
      ['--wait', 'stay through the waits that follow'],
    ],
    load: () => import('./commands/task.ts'),
  },
  {
    words: 'pause',
    group: 'Rotate',
    says: 'stop all rotations of this state: none begins, what runs stops after the step at hand; abort and undo stay possible',
    options: [['--reason <text>', 'why; whoever is stopped by it reads it']],
    load: () => import('./commands/pause.ts'),
  },
  { words: 'continue', group: 'Rotate', says: 'end the pause', options: [], load: () => import('./commands/continue.ts') },
  { words: 'show <rotation>', group: 'Look', says: 'show one rotation: its plan, its steps and what was seen', options: [['--events', 'every entry of the journal'], ['--receipt', 'only its signed receipt, as JSON']], load: () => import('./commands/show.ts') },
  { words: 'history [secret]', group: 'Look', says: 'list past and open rotations', options: [], load: () => import('./commands/history.ts') },
  {
    words: 'snapshot <list|show|export> [rotation]',
    group: 'State and proof',
    says: 'what rotations changed in stores, sealed: list it with its dates, show one without its values, or export it into a file',
    options: [['--to <file>', 'export: a new file, mode 600, outside of every git tree']],
    load: () => import('./commands/snapshot.ts'),
  },
  {
    words: 'state <copy|check>',
    group: 'State and proof',
    says: 'move the state to another place with its open rotations where they are; or look whether it is sound',
    options: [
      ['--to <place>', 'copy: where it goes, a folder or a reference to a postgres:// URL; what the manifest has when absent'],
      ['--from <place>', 'copy: where it is; what the manifest has when absent'],
    ],
    load: () => import('./commands/state.ts'),
  },
  {
    words: 'audit <verify|export>',
    group: 'State and proof',
    says: 'verify the journals, checkpoints and receipts; or export a signed checkpoint of all journals',
    options: [
      ['--receipt <file>', 'verify one receipt, offline'],
      ['--key <file>', 'the public key (PEM) that must have signed'],
      ['--checkpoint <file>', 'verify the journals against this exported checkpoint'],
      ['--out <file>', 'where to write the checkpoint'],
    ],
    load: () => import('./commands/audit.ts'),
  },
  {
    words: 'adopt <secret>',
    group: 'State and proof',
    says: 'take the value in the stores as the current one, once its acceptors accept it; for one that was changed by hand',
    options: [['--reason <text>', 'why, for the audit trail']],
    load: () => import('./commands/adopt.ts'),
  },
  {
    words: 'doctor [secret]',
    group: 'Set up',
    says: 'look at everything that a rotation depends on, and change nothing; exits with 3 when one would be refused',
    options: [],
    load: () => import('./commands/doctor.ts'),
  },
  {
    words: 'due',
    group: 'Look',
    says: 'list which secrets are due by their `every`, and what is stuck: overdue, never rotated, soon',
    options: [
      ['--within <duration>', 'what counts as soon (default: 7d)'],
      ['--check', 'exit with 4 when one is stuck, overdue or cannot be shown not to be, for cron'],
    ],
    load: () => import('./commands/due.ts'),
  },
  {
    words: 'notify [list|test] [name]',
    group: 'Look',
    says: 'list what people were told and what could not be delivered; or try a notifier of the manifest',
    options: [],
    load: () => import('./commands/notify.ts'),
  },
  {
    words: 'exec <command...>',
    group: 'Use',
    says: 'run a command, after `--`, with the values of the stores in its environment; exits with its exit code',
    options: [
      ['--only <secrets>', 'of these secrets, with commas between them; of all that are there when absent'],
      ['--as <key=secret.field...>', 'one field under a name of your own, `PGPASSWORD=database.password`; without --only nothing else is handed over'],
      ['--mask', 'mask the values in what the command prints, line by line; it then prints into a pipe'],
    ],
    ownSignals: true,
    load: () => import('./commands/exec.ts'),
  },
  {
    words: 'completion <bash|zsh|fish>',
    group: 'Set up',
    says: 'print a script that completes commands, options, secrets and open rotations; its first lines say how to load it',
    options: [],
    manifest: false,
    load: () => import('./commands/completion.ts'),
  },
  { words: '__complete <secrets|rotations>', group: 'Use', says: 'list what a completion script offers, one a line', options: [], hidden: true, load: () => import('./commands/complete.ts') },
]
