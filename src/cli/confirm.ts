import { KeyturnError } from '../kit/index.ts'

/**
 * Asks a person on the terminal; only `yes` means it. Without a terminal to ask on USAGE is thrown: a script says `--yes`, and nobody is
 * taken to have agreed by being absent.
 */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new KeyturnError('USAGE', 'there is no terminal to ask on', { hint: 'Add --yes to do it without being asked.' })
  const { read } = await import('read')
  const answer = await read({ prompt: `${question} [yes/no] `, output: process.stderr }).catch(() => 'no')
  return answer.trim().toLowerCase() === 'yes'
}
