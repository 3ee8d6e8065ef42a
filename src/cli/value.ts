import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Fields, KeyturnError, Secret } from '../kit/index.ts'

/** A field that a person is asked for. */
export interface Asked {
  readonly name: string
  /** Nobody may see it. */
  readonly hidden: boolean
}

/** Where the values are to come from; from a terminal when from nowhere. */
export interface ValueOptions {
  readonly file?: string
  readonly stdin?: boolean
}

/** The fields, from a file, from standard input, or typed without being shown. Throws USAGE or TASK_UNFIT, never with a value in it. */
export async function fieldsFrom(asked: readonly Asked[], { file, stdin }: ValueOptions, conceal: (secret: Secret) => void): Promise<Fields> {
  if (file !== undefined && stdin === true) throw new KeyturnError('USAGE', '--file and --stdin together', { hint: 'Give one of them.' })
  const given = file === undefined ? (stdin === true ? await text(process.stdin) : undefined) : readGiven(file)
  if (asked.length === 0) {
    if (given !== undefined) throw new KeyturnError('TASK_UNFIT', 'this task asks for no value')
    return {}
  }
  const shown = new Set(asked.flatMap(({ name, hidden }) => (hidden ? [] : [name])))
  const texts = given === undefined ? await typed(asked) : fieldsIn(given, asked.map(({ name }) => name))
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => {
    const secret = new Secret(value)
    if (!shown.has(name)) conceal(secret)
    return [name, secret]
  }))
}

function readGiven(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} cannot be read`, { hint: 'Name a file with the value in it.', cause: thrown })
  }
}

/** One field is the whole text, without its last line break; several are a JSON object with one text for each. */
function fieldsIn(given: string, names: readonly string[]): Record<string, string> {
  const [only = ''] = names
  if (names.length === 1) return { [only]: given.replace(/\r?\n$/, '') }
  const object = objectIn(given)
  const missing = names.find((name) => typeof object[name] !== 'string')
  if (missing !== undefined) throw new KeyturnError('TASK_UNFIT', `several fields are asked for, and there is no text for ${missing}`, { hint: 'Give a JSON object with one text for each field.' })
  // What nobody asked for goes along: it is refused by its name.
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, typeof value === 'string' ? value : '']))
}

/** Empty when it is none. */
function objectIn(given: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(given)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {}
  } catch {
    return {}
  }
}

/** Asks for one after the other. Throws INTERRUPTED on Ctrl-C and Ctrl-D. */
async function typed(asked: readonly Asked[]): Promise<Record<string, string>> {
  // The prompt goes to stderr: stdout may be read by a program. Without a terminal there, what is typed would be shown.
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new KeyturnError('USAGE', 'there is no terminal to ask for the value on', { hint: 'Give it with --file FILE or --stdin.' })
  const { read } = await import('read')
  const texts: Record<string, string> = {}
  for (const { name, hidden } of asked) {
    const over = new AbortController()
    // `read` says nothing when the input ends: then it is paused, and no line comes.
    const ended = once(process.stdin, 'pause', { signal: over.signal }).then(() => nextTurn(), () => undefined)
    const line = read({ prompt: `${name}: `, silent: hidden, output: process.stderr }).catch(() => undefined)
    const value = await Promise.race([line, ended])
    over.abort()
    if (typeof value !== 'string') throw new KeyturnError('INTERRUPTED', '', { hint: 'Nothing was given, and nothing was changed.' })
    texts[name] = value
  }
  return texts
}
