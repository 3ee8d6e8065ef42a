import { stripVTControlCharacters, styleText } from 'node:util'
import type { Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'
import { type Paint, PLAIN } from '../views/paint.ts'

/** Where a command writes: everything passes the redactor on its way out, whoever wrote it. */
export interface Terminal {
  /** A line for the reader, or the JSON of `--json`. */
  out(text: string): void
  /** Progress, hints and errors: never mixed with what `--json` prints. */
  err(text: string): void
  /** A line that the next one replaces; nothing in a pipe. */
  transient(text: string): void
  conceal(secret: Secret): void
  readonly paint: Paint
}

/** A terminal over the process's own streams. Colours follow the stream, NO_COLOR and FORCE_COLOR. */
export function processTerminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  const redactor = new Redactor()
  let pending = false
  const clear = (): void => {
    if (pending) stderr.write('\r\u001B[K')
    pending = false
  }
  // A reader that went away (`| head`) is no reason to stop in the middle of a rotation: what is left to say is dropped.
  const gone = new Set<NodeJS.WriteStream>()
  for (const stream of [stdout, stderr]) stream.on('error', () => gone.add(stream))
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    clear()
    // Colours are made for a terminal; what goes elsewhere is written without them, stream by stream.
    if (!gone.has(stream)) stream.write(`${redactor.mask(stream.isTTY || process.env['FORCE_COLOR'] !== undefined ? text : stripVTControlCharacters(text))}\n`)
  }
  const coloured = stdout.isTTY || stderr.isTTY || process.env['FORCE_COLOR'] !== undefined
  const style = (format: Parameters<typeof styleText>[0]) => (text: string): string => styleText(format, text, { stream: stderr.isTTY ? stderr : stdout })
  return {
    out: (text) => write(stdout, text),
    err: (text) => write(stderr, text),
    transient: (text) => {
      if (!stderr.isTTY) return
      clear()
      stderr.write(redactor.mask(text))
      pending = true
    },
    conceal: (secret) => redactor.conceal(secret),
    // A long plan into a pipe is not styled word by word for nothing.
    paint: coloured ? { good: style('green'), bad: style('red'), warn: style('yellow'), dim: style('dim'), strong: style('bold') } : PLAIN,
  }
}
