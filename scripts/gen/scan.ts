import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ConnectorManifest } from '../../src/kit/index.ts'

/**
 * The descriptors of all connectors, by id: of every folder below `src/connectors` that has a `manifest.ts` and an `index.ts`.
 * One that is not finished yet is not listed. Throws when a descriptor has another id than its folder.
 */
export async function scanConnectors(root: string): Promise<readonly ConnectorManifest[]> {
  const folder = join(root, 'src', 'connectors')
  const ids = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((id) => ['manifest.ts', 'index.ts'].every((file) => existsSync(join(folder, id, file))))
    .toSorted()
  return Promise.all(
    ids.map(async (id) => {
      const loaded: { default: ConnectorManifest } = await import(pathToFileURL(join(folder, id, 'manifest.ts')).href)
      if (loaded.default?.id !== id) throw new Error(`src/connectors/${id}/manifest.ts describes ${loaded.default?.id}`)
      return loaded.default
    }),
  )
}

/** The ids of those that have a `by-hand.ts`. */
export function scanByHand(root: string, manifests: readonly ConnectorManifest[]): readonly string[] {
  return manifests.map(({ id }) => id).filter((id) => existsSync(join(root, 'src', 'connectors', id, 'by-hand.ts')))
}
