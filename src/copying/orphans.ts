import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { orphanAlive } from '../outside/process/lock.ts'

/** The children of killed runs that still work on this machine, by the names of their locks in a state's folder. */
export function orphansIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => name.endsWith('.lock') && orphanAlive(join(folder, name)))
}
