import { writeFileSync } from 'node:fs'
import { KeyturnError, reduceCause } from '../kit/index.ts'

/** Writes what `--out` asks for. Throws USAGE when the file cannot be written. */
export function writeOut(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} cannot be written`, { hint: `See that the folder exists and may be written (${reduceCause(thrown).code ?? 'error'}).`, cause: thrown })
  }
}
