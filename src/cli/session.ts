import { KeyturnError } from '../kit/index.ts'
import { findManifest } from '../yaml/glance.ts'
import { loadManifest as load } from '../yaml/load.ts'
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

/** Loads the manifest that was named, or the one in this folder. Throws MANIFEST_MISSING or MANIFEST_INVALID. */
export function manifestOf(options: CommonOptions): Promise<Manifest> {
  const file = findManifest(options.manifest)
  if (file === undefined) throw new KeyturnError('MANIFEST_MISSING', options.manifest ?? '')
  return load(file, { registry })
}
