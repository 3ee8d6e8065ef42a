import type { Command } from 'commander'
import { KeyturnError, label } from '../kit/index.ts'
import { COMMANDS } from './commands.ts'

/**
 * Adds `help [command]` to the command line: the words of one command, or of all. One that there is not is USAGE, with the name that
 * was probably meant; the parser's own help shows everything then and says nothing.
 */
export function addHelp(program: Command): void {
  program.helpCommand(false)
  const help = program.command('help [command]').description('show the words that a command takes').helpGroup('Look:')
  help.addOption(help.createOption('--json').hideHelp()).action(async (name?: string) => {
    const found = name === undefined ? program : program.commands.find((command) => command.name() === name)
    if (found === undefined) throw await unknownCommand(name ?? '')
    found.help()
  })
}

async function unknownCommand(name: string): Promise<KeyturnError> {
  const { nearest } = await import('../yaml/nearest.ts')
  const names = COMMANDS.filter((entry) => entry.hidden !== true).map(({ words }) => words.replace(/ .*/, ''))
  const meant = nearest(name, names)
  const hint = meant === undefined ? 'Run `keyturn help` for all commands.' : `Did you mean \`keyturn help ${meant}\`? Run \`keyturn help\` for all commands.`
  return new KeyturnError('USAGE', `there is no command ${label(name)}`, { hint })
}
