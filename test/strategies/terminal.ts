import { spawn } from '@lydell/node-pty'
import type { Desk } from './desk.ts'
import { until } from '../servers/postgres.ts'

/** The shipped program on a terminal of its own, and somebody who types. */
export interface Typing {
  /** All that the terminal shows: what the program prints, and what is echoed of what is typed. */
  screen(): string
  /** Waits until it shows this. */
  saw(text: string): Promise<void>
  type(keys: string): void
  readonly ended: Promise<number>
}

/** Starts `keyturn WORDS` in the desk's folder. `redirect` is what a shell does with its streams: `2>/dev/null`. */
export async function onTerminal(desk: Desk, words: readonly string[], redirect = ''): Promise<Typing> {
  const { launcher, compiled } = await desk.shipped()
  const env = { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compiled, ...desk.env }
  // No words of a test hold a quote.
  const line = [process.execPath, launcher, ...words].map((word) => `'${word}'`).join(' ')
  const terminal = spawn('/bin/sh', ['-c', `exec ${line} ${redirect}`], { cwd: desk.folder, env, cols: 200 })
  let screen = ''
  terminal.onData((data) => { screen += data })
  const ended = new Promise<number>((resolve) => { terminal.onExit(({ exitCode }) => resolve(exitCode)) })
  let over = false
  ended.then(() => { over = true }, () => undefined)
  return {
    ended,
    screen: () => screen,
    saw: async (text) => {
      await until(() => over || screen.includes(text), `the terminal does not show ${text}`, 60_000)
      if (!screen.includes(text)) throw new Error(`it ended without ${text}:\n${screen}`)
    },
    type: (keys) => terminal.write(keys),
  }
}
