import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
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
  if (asked.length === 0) return {}
  const given = file === undefined ? (stdin === true ? await text(process.stdin) : undefined) : readGiven(file)
  const fields: Record<string, Secret> = {}
  for (const { name, hidden } of asked) {
    const secret = new Secret(given === undefined ? await ask(name, hidden) : pick(given, name, asked.length))
    if (hidden) conceal(secret)
    fields[name] = secret
  }
  return fields
}

function readGiven(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} cannot be read`, { hint: 'Name a file with the value in it.', cause: thrown })
  }
}

/** One field is the whole text, without its last line break; of several each is a property of a JSON object. */
function pick(given: string, name: string, of: number): string {
  if (of === 1) return given.replace(/\r?\n$/, '')
  let parsed: unknown
  try {
    parsed = JSON.parse(given)
  } catch {
    parsed = undefined
  }
  const value: unknown = typeof parsed === 'object' && parsed !== null ? new Map(Object.entries(parsed)).get(name) : undefined
  if (typeof value !== 'string') throw new KeyturnError('TASK_UNFIT', `several fields are asked for, and there is no text for ${name}`, { hint: 'Give a JSON object with one text for each field.' })
  return value
}

async function ask(name: string, hidden: boolean): Promise<string> {
  if (!process.stdin.isTTY) throw new KeyturnError('USAGE', 'there is no terminal to ask for the value on', { hint: 'Give it with --file FILE or --stdin.' })
  const { read } = await import('read')
  // The prompt goes to stderr: stdout may be read by a program.
  return read({ prompt: `${name}: `, silent: hidden, output: process.stderr })
}
