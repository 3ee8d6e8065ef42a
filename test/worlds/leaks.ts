import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Secret } from '../../src/kit/index.ts'
import { Redactor } from '../../src/redact/redact.ts'

/** A text that was produced, and where. */
export interface Produced {
  readonly place: string
  readonly text: string
}

/** Random values have at least this many characters; names are shorter or are no secret. */
const SHORTEST = 16

/** Every value that the processes of a world opened, as overhear.ts wrote them down; of a URL the password by itself, too. */
export function valuesHeard(file: string, isName: (value: string) => boolean): string[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter((line) => line !== '') : []
  const heard = lines.map((line) => JSON.parse(line) as string)
  const inside = heard.flatMap((value) => (URL.canParse(value) ? [decodeURIComponent(new URL(value).password)] : []))
  return [...new Set([...heard, ...inside])].filter((value) => value.length >= SHORTEST && !isName(value))
}

/** The places whose text holds one of the values in one of their encodings. Never the value itself. */
export function leaksIn(produced: Iterable<Produced>, values: readonly string[]): string[] {
  const redactor = new Redactor()
  for (const value of values) redactor.conceal(new Secret(value))
  return [...produced].filter(({ text }) => redactor.holds(text)).map(({ place }) => place)
}

/** Every file below a folder, byte for byte, less those that may hold values. */
export function filesBelow(folder: string, allowed: ReadonlySet<string>): Produced[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !allowed.has(file))
    .map((file) => ({ place: `file ${relative(folder, file)}`, text: readFileSync(file, 'latin1') }))
}

/** What everybody on the machine may see of a process: its command line; and its environment. */
export function processesOf(pids: readonly number[]): Produced[] {
  return pids.flatMap((pid) => ['cmdline', 'environ'].map((what) => ({ place: `process ${what}`, text: readIfThere(`/proc/${pid}/${what}`) })))
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'latin1') : ''
}
