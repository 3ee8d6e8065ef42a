import type { WriteStream } from 'node:tty'

/** Where the story is told. On a terminal a status line stays below what is written; in a pipe there are plain lines only. */
export interface Screen {
  /** The beginning of an act. */
  heading(text: string): void
  /** One line; an empty one after an empty one is left out. */
  line(text?: string): void
  /** A command as it would be typed. */
  command(text: string): void
  /** Rows of a name and what is to be said about it, in two columns. */
  table(rows: readonly (readonly [name: string, what: string])[]): void
  /** Takes the status line away for good. */
  close(): void
}

/** Tells on `out`. `status` is asked four times a second for the status line. */
export function openScreen(out: Pick<WriteStream, 'write' | 'isTTY'>, color: boolean, status: () => string): Screen {
  const bold = (text: string): string => (color ? `\u001B[1m${text}\u001B[22m` : text)
  const dim = (text: string): string => (color ? `\u001B[2m${text}\u001B[22m` : text)
  const wipe = out.isTTY ? '\r\u001B[2K' : ''
  const below = (): string => (out.isTTY ? dim(status()) : '')
  let wasEmpty = false
  const line = (text = ''): void => {
    if (text === '' && wasEmpty) return
    wasEmpty = text === ''
    out.write(`${wipe}${text}\n${below()}`)
  }
  const refresh = out.isTTY ? setInterval(() => out.write(`${wipe}${below()}`), 250) : undefined

  return {
    line,
    heading(text) {
      line()
      line(bold(text))
      line()
    },
    command: (text) => line(bold(`$ ${text}`)),
    table(rows) {
      const width = Math.max(...rows.map(([name]) => name.length))
      for (const [name, what] of rows) line(`  ${name.padEnd(width)}   ${what}`)
    },
    close() {
      clearInterval(refresh)
      out.write(wipe)
    },
  }
}
