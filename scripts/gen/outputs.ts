import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliDoc } from './cli.ts'
import { connectorsDoc, errorsDoc, manifestDoc } from './docs.ts'
import { mistakesDoc, reading } from './mistakes.ts'
import { registryFile } from './registry.ts'
import type { Proven } from '../systems/proven.ts'
import { scanByHand, scanConnectors } from './scan.ts'
import { schemaFile } from './schema.ts'
import { faultsOf } from './soundness.ts'
import { contributingDoc } from './systems.ts'

/** Every generated file with its content, by path from the root, and what is wrong with the descriptors that they come from. */
export async function makeOutputs(
  root: string,
): Promise<{ readonly files: Readonly<Record<string, string>>; readonly faults: readonly string[] }> {
  const manifests = await scanConnectors(root)
  const files = {
    'src/connectors.gen.ts': registryFile(manifests, scanByHand(root, manifests)),
    'schema/keyturn.schema.json': schemaFile(manifests),
    'docs/connectors.md': connectorsDoc(manifests, JSON.parse(readFileSync(join(root, 'docs', 'proven.json'), 'utf8')) as Proven),
    'docs/errors.md': errorsDoc(),
    'docs/manifest.md': manifestDoc(readFileSync(join(root, 'docs', 'manifest.md'), 'utf8'), manifests),
    'docs/cli.md': cliDoc(),
    'docs/mistakes.md': mistakesDoc(reading(root)),
    'CONTRIBUTING.md': await contributingDoc(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'), root),
  }
  return { files, faults: manifests.flatMap(faultsOf) }
}

/** The paths whose file is absent or holds something else. */
export function staleOf(root: string, files: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(files).flatMap(([path, content]) => (readIfThere(join(root, path)) === content ? [] : [path]))
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    throw thrown
  }
}
