import { Command, CommanderError, Option } from 'commander'
import { CODES, KeyturnError, reduceCause } from '../kit/index.ts'
import { type CommandEntry, GROUPS, optionsOf } from './command.ts'
import { COMMANDS } from './commands.ts'
import { EXIT, EXIT_MEANS, exitOf } from './exit.ts'
import { addHelp } from './help.ts'
import type { Session } from './session.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/** Runs one command line and answers with the exit code. Nothing but the chosen command's own code is loaded. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = processTerminal(process.stdout, process.stderr)
  const interrupt = new AbortController()
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130)
    interrupt.abort()
    terminal.err('Stopping after the step at hand is on disk. Again to stop at once.')
  }
  const noticed = new Set<string>()
  const notice = (text: string): void => {
    if (!noticed.has(text)) terminal.err(terminal.paint.warn(text))
    noticed.add(text)
  }
  let exit: number = EXIT.done
  const program = buildProgram(async (run, { ownSignals }) => {
    if (ownSignals !== true) process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
    exit = await run({ terminal, runtime: { env: process.env, interrupt: interrupt.signal, conceal: (secret) => terminal.conceal(secret), notice } })
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exit
  } catch (thrown) {
    // What follows `--` belongs to another command.
    const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
    return report(thrown, terminal, own.includes('--json'))
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

type Start = (run: (session: Session) => Promise<number>, entry: CommandEntry) => Promise<void>

/** The command line as commander knows it; also what docs and completion are generated from. */
export function buildProgram(start: Start): Command {
  const program = new Command('keyturn')
    .description('Rotates any secret with no downtime and proves it.')
    .version('', '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text) })
    .showSuggestionAfterError()
    .addHelpText('after', `\nExit codes:\n${Object.entries(EXIT_MEANS).map(([code, means]) => `  ${code}  ${means}`).join('\n')}\n\nExamples:\n  keyturn plan database          what would happen\n  keyturn rotate database        run to the first wait\n  keyturn rotate database --wait stay until it is done\n  keyturn resume                 go on with what is open`)
  const inOrder = COMMANDS.toSorted((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group))
  for (const entry of inOrder) {
    const command = program.command(entry.words, { hidden: entry.hidden === true }).description(entry.says).helpGroup(`${entry.group}:`)
    for (const [flags, says] of optionsOf(entry)) command.addOption(new Option(flags, says))
    command.action(async (...given: unknown[]) => {
      const options = command.opts<Record<string, unknown>>()
      const words = given.slice(0, -2).flat().flatMap((word) => (word === undefined ? [] : [String(word)]))
      await start(async (session) => (await entry.load()).run(session, words, options), entry)
    })
  }
  addHelp(program)
  return program
}

function report(thrown: unknown, terminal: Terminal, json: boolean): number {
  if (thrown instanceof CommanderError && (thrown.exitCode === 0 || !json)) return thrown.exitCode === 0 ? EXIT.done : EXIT.usage
  const error = asKeyturnError(thrown)
  if (json) {
    const { code, message, about, hint, problems, cause } = error
    terminal.out(JSON.stringify({ error: { code, message, ...(about === '' ? {} : { about }), hint, ...(problems === undefined ? {} : { problems }), ...(cause === undefined ? {} : { cause }) } }))
  } else {
    const cause = error.cause === undefined ? '' : ` (${[error.cause.name, error.cause.code].filter(Boolean).join(' ')})`
    terminal.err(`${terminal.paint.bad(`${error.code}`)} ${error.message}${cause}`)
    terminal.err(error.hint)
  }
  if (process.env['KEYTURN_DEBUG'] !== undefined && thrown instanceof Error && !(thrown instanceof KeyturnError)) terminal.err(thrown.stack ?? '')
  return error.code in CODES ? exitOf(error.code) : EXIT.error
}

/** Commander has written its own words to stderr by then; what is left is a document for `--json`. */
function asKeyturnError(thrown: unknown): KeyturnError {
  if (thrown instanceof KeyturnError) return thrown
  if (thrown instanceof CommanderError) return new KeyturnError('USAGE', thrown.message.replace(/^error: /, '').replaceAll('\n', ' '))
  return new KeyturnError('INTERNAL', reduceCause(thrown).name, { cause: thrown })
}
