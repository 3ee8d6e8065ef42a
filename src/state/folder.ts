import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
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
  const inside = relative(resolve(folder), resolve(identityFile))
  if (!inside.startsWith('..')) throw new KeyturnError('IDENTITY_UNSAFE', `${identityFile} lies inside the state folder`)
}
