import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** The names that are tried when no manifest is named. */
const NAMES = ['keyturn.yaml', 'keyturn.yml']

/** The manifest that was named, or the one in this folder; undefined when there is none. Looks only. */
export function findManifest(named?: string): string | undefined {
  const file = named ?? NAMES.find((name) => existsSync(name))
  return file !== undefined && existsSync(file) ? file : undefined
}

/** What a manifest says at first sight. */
export interface Glance {
  readonly system: string
  readonly environment: string
  /** Absolute path of the state folder. */
  readonly state: string
  readonly secrets: readonly string[]
}

/**
 * Reads names from a manifest without validating it: for completion, which has no time for more and must not fail over a line that
 * is just being written. What is not there as it should be is empty. Throws only what reading the file throws.
 */
export async function glanceAt(file: string): Promise<Glance> {
  const { parseDocument } = await import('yaml')
  const read: unknown = parseDocument(readFileSync(file, 'utf8'), { stringKeys: true }).toJS({ maxAliasCount: 100 })
  const manifest = entriesOf(read)
  return {
    system: textOf(manifest.get('system')) ?? '',
    environment: textOf(manifest.get('environment')) ?? 'production',
    state: resolve(dirname(resolve(file)), textOf(manifest.get('state')) ?? '.keyturn'),
    // Only what a shell takes as it is.
    secrets: [...entriesOf(manifest.get('secrets')).keys()].filter((name) => /^[\w.-]+$/.test(name)),
  }
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
