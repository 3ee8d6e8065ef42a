import type { Stats } from 'node:fs'
import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { disk, type FilePort } from './port.ts'
import { fileRefusal } from './refusal.ts'

/** The absolute path of a file as people write it: from `base`, a leading `~/` is the home folder of this user. */
export function locate(file: string, base: string, home: string = homedir()): string {
  return file === '~' || file.startsWith('~/') ? resolve(join(home, file.slice(1))) : resolve(base, file)
}

/**
 * The one name of a file, whatever links lead to it. A file that does not exist is named from the deepest folder that does.
 * Looks only; for identities.
 */
export function canonical(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    const folder = dirname(path)
    return folder === path ? path : join(canonical(folder), basename(path))
  }
}

/** Where the new content of a file is written before it takes the file's place: beside it, always the same name. */
export function tempOf(real: string): string {
  return join(dirname(real), `.${basename(real)}.keyturn-tmp`)
}

export interface Target {
  /** The file itself, behind all links. */
  readonly real: string
  readonly stat: Stats
}

/**
 * The regular file behind a path. Refused: STORE_MISSING, STORE_DENIED, and STORE_UNSAFE when it is no regular file or has a
 * second name (a hard link), which would go on holding the old content; with `names: 'any'` that is left to the caller.
 */
export async function findTarget(path: string, port: FilePort = disk, names: 'one' | 'any' = 'one'): Promise<Answer<Target>> {
  try {
    const real = await port.real(path)
    const stat = await port.stat(real)
    if (!stat.isFile()) return refused('STORE_UNSAFE', `${path} is not a regular file`)
    if (names === 'one' && stat.nlink > 1)
      return refused('STORE_UNSAFE', `${path} has more than one name (hard links), and only one of them would change`)
    return done({ real, stat })
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
}
