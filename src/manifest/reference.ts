import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { KeyturnError, Secret } from '../kit/index.ts'

/** The source of a regular expression for one reference, e.g. `${env:NAME}`: scheme, then what it names. */
export const referencePattern = String.raw`\$\{([A-Za-z][\w-]*):([^{}]*)\}`

/** What can be referred to. */
export const referenceSchemes = ['env', 'file'] as const

export interface Reference {
  /** As written, `${env:NAME}`; may be shown. */
  readonly text: string
  readonly scheme: string
  readonly name: string
  /** Where it starts in the text. */
  readonly at: number
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder from which relative paths start. */
  readonly base: string
}

/** The references in a text, in order. Those of unknown schemes are among them. */
export function referencesOf(text: string): Reference[] {
  return [...text.matchAll(new RegExp(referencePattern, 'g'))].map((match) => ({
    text: match[0],
    scheme: match[1] ?? '',
    name: match[2] ?? '',
    at: match.index,
  }))
}

/** Whether the text holds a reference. */
export function hasReference(text: string): boolean {
  return referencesOf(text).length > 0
}

/**
 * Resolves the references in a text at this moment: `${env:NAME}` is an environment variable, `${file:path}` the content of a
 * file without its last newline. The rest of the text stays; nothing that a reference brings in is resolved again. May be
 * repeated; the answer follows the surroundings. Throws REFERENCE_UNRESOLVED, which names the reference and never a value.
 */
export async function resolveReference(text: string, surroundings: Surroundings): Promise<Secret> {
  let resolved = ''
  let from = 0
  for (const reference of referencesOf(text)) {
    resolved += text.slice(from, reference.at) + (await look(reference, surroundings))
    from = reference.at + reference.text.length
  }
  return new Secret(resolved + text.slice(from))
}

async function look({ text, scheme, name }: Reference, { env, base }: Surroundings): Promise<string> {
  if (scheme === 'env') {
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    if (value === undefined || value === '')
      throw unresolved(`${text}: the environment variable is ${value === '' ? 'empty' : 'not set'}`)
    return value
  }
  if (scheme === 'file') {
    const content = await readFile(resolve(base, name), 'utf8').catch((cause: unknown) => {
      throw unresolved(`${text}: the file cannot be read`, cause)
    })
    const value = content.replace(/\r?\n$/, '')
    if (value === '') throw unresolved(`${text}: the file is empty`)
    return value
  }
  throw unresolved(`${text}: the scheme is none of ${referenceSchemes.join(', ')}`)
}

function unresolved(about: string, cause?: unknown): KeyturnError {
  return new KeyturnError('REFERENCE_UNRESOLVED', about, cause === undefined ? {} : { cause })
}
