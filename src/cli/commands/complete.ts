import { glanceAtOpen } from '../../state/glance.ts'
import { findManifest, glanceAt } from '../../yaml/glance.ts'
import { EXIT } from '../exit.ts'
import type { CommonOptions, Session } from '../session.ts'

/**
 * `keyturn __complete secrets|rotations`, for the completion scripts: one candidate a line. It reads two files and loads no connector;
 * whatever cannot be read has no candidates, since whoever is typing wants no error.
 */
export async function run({ terminal }: Session, [what]: readonly string[], options: CommonOptions): Promise<number> {
  const candidates = await candidatesFor(what, options.manifest).catch((): string[] => [])
  if (candidates.length > 0) terminal.out(candidates.join('\n'))
  return EXIT.done
}

async function candidatesFor(what: string | undefined, named: string | undefined): Promise<string[]> {
  const file = findManifest(named)
  if (file === undefined) return []
  const manifest = await glanceAt(file)
  if (what === 'secrets') return [...manifest.secrets]
  const open = glanceAtOpen(manifest.state, manifest)
  // An open rotation may be named by its secret, too.
  return [...new Set(open.map(({ secret }) => secret)), ...open.map(({ id }) => id)]
}
