import { chmodSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { KeyturnError } from '../kit/error.ts'

/**
 * Makes the state folder 0700 with a .gitignore that ignores everything in it, or checks the one that is there: one that others
 * may read is refused with STATE_UNSAFE, because it was open while nobody looked.
 */
export function openFolder(folder: string): void {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    writeFileSync(join(folder, '.gitignore'), '*\n', { mode: 0o600 })
    return
  }
  const mode = statSync(folder).mode & 0o777
  if ((mode & 0o077) !== 0) throw new KeyturnError('STATE_UNSAFE', `${folder} has mode ${mode.toString(8)}`)
}

/** The identity must not lie where the state lies: whoever copies the folder would have both. Throws IDENTITY_UNSAFE. */
export function keepApart(identityFile: string, folder: string): void {
  const way = relative(real(folder), real(identityFile))
  const outside = way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
  if (!outside) throw new KeyturnError('IDENTITY_UNSAFE', `${identityFile} lies inside the state folder`)
}

/** The path without links, also of what does not exist yet. */
function real(path: string): string {
  const full = resolve(path)
  if (existsSync(full)) return realpathSync(full)
  return dirname(full) === full ? full : join(real(dirname(full)), basename(full))
}
