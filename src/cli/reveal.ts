import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { KeyturnError, reduceCause, type Secret } from '../kit/index.ts'
import type { Channel } from '../operations/hand-over.ts'
import { findCommand } from '../outside/process/index.ts'
import { Redactor } from '../redact/redact.ts'
import { runInForeground } from './foreground.ts'

/** The other screen of a terminal, which keeps no history, and back. See "The Alternate Screen Buffer" of xterm's control sequences. */
const OTHER_SCREEN = '\u001B[?1049h\u001B[2J\u001B[H'
const BACK = '\u001B[2J\u001B[?1049l'

/** Where a value is taken to, as a command line says it. */
export interface Way {
  readonly file?: string
  readonly command: readonly string[]
}

/** A way that is certain to work, opened before anything is taken out. */
export interface OpenWay {
  readonly to: Channel
  /** Nothing is going to come: leaves no trace. */
  close(): void
  /** Brings the value there; answers with a line that says so, without it. Throws a KeyturnError when it did not get there. */
  deliver(value: Secret, title: string): Promise<string>
}

/** Opens the way. Throws USAGE where there is none: two at once, a file that is there already, no terminal. */
export function openWay({ file, command }: Way, env: NodeJS.ProcessEnv): OpenWay {
  if (file !== undefined && command.length > 0) throw new KeyturnError('USAGE', '--file and a command together', { hint: 'Give one of them, or neither to be shown the value.' })
  if (file !== undefined) return intoFile(file)
  const [name] = command
  if (name !== undefined) {
    if (findCommand(name, process.cwd(), env['PATH'] ?? '') === undefined) throw new KeyturnError('COMMAND_MISSING', name)
    return { to: 'command', close: () => undefined, deliver: (value) => toCommand(command, value, env) }
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new KeyturnError('USAGE', 'there is no terminal to show the value on', { hint: 'Have it written with --file FILE (0600, one that is not there yet), or give it to a command: `-- COMMAND`.' })
  return { to: 'terminal', close: () => undefined, deliver: onScreen }
}

/** The file is made before the value is taken out: then nothing is journaled as handed over that could not be. */
function intoFile(file: string): OpenWay {
  let handle: number
  try {
    handle = openSync(file, 'wx', 0o600)
  } catch (thrown) {
    const exists = reduceCause(thrown).code === 'EEXIST'
    throw new KeyturnError('USAGE', exists ? `${file} is there already` : `${file} cannot be written`, { hint: 'Name a file that is not there yet, outside of every git tree.', cause: thrown })
  }
  return {
    to: 'file',
    close: () => {
      closeSync(handle)
      rmSync(file, { force: true })
    },
    deliver: async (value) => {
      try {
        writeSync(handle, value.reveal())
        fsyncSync(handle)
      } finally {
        closeSync(handle)
      }
      return `Written to ${file}, for your eyes only (0600). Remove it when the receiver has it.`
    },
  }
}

async function toCommand(argv: readonly string[], value: Secret, env: NodeJS.ProcessEnv): Promise<string> {
  // What it prints is for whoever runs it; the value is not.
  const mask = new Redactor()
  mask.conceal(value)
  const exit = await runInForeground({ argv, from: env, variables: new Map(), stdin: value, mask })
  if (exit !== 0) throw new KeyturnError('COMMAND_FAILED', `${argv[0] ?? ''} ended with ${exit}`, { hint: 'Whether it passed the value on is not known; see to that, then take it out once more with --again.' })
  return `${argv[0] ?? ''} has it.`
}

/** Shown until a key is pressed, then wiped: it stays in no scrollback, and goes to no clipboard of ours. */
async function onScreen(value: Secret, title: string): Promise<string> {
  const { read } = await import('read')
  process.stderr.write(`${OTHER_SCREEN}${title}\r\n\r\n${value.reveal()}\r\n\r\n`)
  try {
    await read({ prompt: 'Enter wipes it from the screen. ', silent: true, output: process.stderr }).catch(() => undefined)
  } finally {
    process.stderr.write(BACK)
  }
  return 'Shown once, and wiped from the screen.'
}
