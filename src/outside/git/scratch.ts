import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ms } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'

/** What a look left behind that was killed is not in use any more after so long: no call lasts an hour. */
const STALE: Ms = 60 * 60_000

/** `write` is held under the lock of what is written, `look` may be many at once. */
export type Purpose = 'look' | 'write'

/** Where the folders of this key and purpose begin: in the folder for temporary files of this user. */
function beginning(key: string, purpose: Purpose): string {
  return `keyturn-${purpose}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}-`
}

/** Gives the body an empty folder that only this user may enter, and takes it away again however the body ends. */
export async function inScratch<T>(key: string, purpose: Purpose, body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), beginning(key, purpose)))
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Takes away what killed processes left of this key: folders of writes at once (who calls holds the lock of the write), those of
 * looks when they are an hour old by `now`. Idempotent.
 */
export async function tidyScratch(key: string, now: number): Promise<void> {
  const [looks, writes] = [beginning(key, 'look'), beginning(key, 'write')]
  for (const name of await readdir(tmpdir())) {
    const folder = join(tmpdir(), name)
    if (name.startsWith(writes) || (name.startsWith(looks) && (await isOlder(folder, now - STALE)))) await rm(folder, { recursive: true, force: true })
  }
}

async function isOlder(folder: string, than: number): Promise<boolean> {
  try {
    return (await stat(folder)).mtimeMs < than
  } catch (thrown) {
    // Its own process has just taken it away.
    if (reduceCause(thrown).code === 'ENOENT') return false
    throw thrown
  }
}
