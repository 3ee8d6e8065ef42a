import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A command that writes down what everybody on the machine could see of it. */
export interface Recorder {
  /** Absolute path of the command. */
  readonly path: string
  /** Its command lines and environments so far, as `/proc/self` shows them (Linux), one run after the other. */
  seen(): string
  /** What it read from standard input, one run after the other. */
  read(): string
}

/**
 * Makes a shell script `name` in `folder` that records its own command line, environment and standard input, then runs `body`.
 * For tests that no value reaches a command line or an environment (C-01).
 */
export function recorder(folder: string, name: string, body = 'exit 0'): Recorder {
  const path = join(folder, name)
  const log = (kind: string): string => `${path}.${kind}.log`
  const script = `#!/bin/sh
tr '\\0' '\\n' < /proc/$$/cmdline >> '${log('seen')}'
tr '\\0' '\\n' < /proc/$$/environ >> '${log('seen')}'
input=$(cat)
printf '%s\\n' "$input" >> '${log('read')}'
${body}
`
  writeFileSync(path, script)
  chmodSync(path, 0o700)
  const content = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  return { path, seen: () => content(log('seen')), read: () => content(log('read')) }
}
