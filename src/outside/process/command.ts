import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'

/**
 * Where a command is found, as spawn would: with a slash from `cwd`, else along `path` (the variable PATH). Undefined when there
 * is no such file or it may not be run. Looks only.
 */
export function findCommand(command: string, cwd: string, path: string): string | undefined {
  const places = command.includes('/') ? [cwd] : path.split(delimiter).filter((folder) => folder !== '')
  return places.map((folder) => resolve(cwd, folder, command)).find(isRunnable)
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
