import { dirname, isAbsolute, join, normalize } from 'node:path/posix'

/**
 * A path that a file names, from the scanned folder: relative ones start at the file's own folder. It begins with `../` or `/`
 * when it leads out of the scanned folder. Characters that steer a terminal become `?`. Pure.
 */
export function fromFile(file: string, path: string): string {
  const printable = path.replaceAll(/[\p{Cc}\u2028\u2029]/gu, '?')
  return isAbsolute(printable) ? normalize(printable) : join(dirname(file), printable)
}

/** Whether a path from the scanned folder stays in it. */
export function isInside(path: string): boolean {
  return !isAbsolute(path) && path !== '..' && !path.startsWith('../')
}
