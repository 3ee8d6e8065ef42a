import { existsSync } from 'node:fs'
import { KeyturnError } from '../kit/index.ts'
import { loadManifest as load } from '../manifest/load.ts'
import type { Manifest } from '../manifest/model.ts'
import { registry } from '../connectors.gen.ts'
import type { Runtime } from '../runtime.ts'
import type { Terminal } from './terminal.ts'

/** The options that every command takes. */
export interface CommonOptions {
  readonly manifest?: string
  readonly json?: boolean
}

/** What a command works in. */
export interface Session {
  readonly terminal: Terminal
  readonly runtime: Runtime
}

/** The names that are tried when no manifest is named. */
const NAMES = ['keyturn.yaml', 'keyturn.yml']

/** Loads the manifest that was named, or the one in this folder. Throws MANIFEST_MISSING or MANIFEST_INVALID. */
export function manifestOf(options: CommonOptions): Promise<Manifest> {
  const file = options.manifest ?? NAMES.find((name) => existsSync(name))
  if (file === undefined || !existsSync(file)) throw new KeyturnError('MANIFEST_MISSING', file ?? '')
  return load(file, { registry })
}
