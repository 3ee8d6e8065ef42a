import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Outside the tree, kept from run to run: KEYTURN_TEST_CACHE, or a folder in the cache of this user. */
export function cacheRoot(): string {
  return process.env['KEYTURN_TEST_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'keyturn-test')
}

/**
 * The folder of this name in the cache; a name ends with a version, so what is there is never looked at again. `make` fills it the
 * first time, and it appears at once when it is complete: one that was broken off leaves nothing that looks like a part. Two runs
 * at the same time may both make it; the first one's stays.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const [root, place] = [cacheRoot(), join(cacheRoot(), name)]
  if (existsSync(place)) return place
  await mkdir(root, { recursive: true })
  const fresh = await mkdtemp(join(root, 'new-'))
  try {
    await make(fresh)
    await rename(fresh, place).catch((thrown: unknown) => {
      if (!existsSync(place)) throw thrown
    })
    return place
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}
