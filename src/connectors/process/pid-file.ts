import { readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { reduceCause } from '../../kit/error.ts'
import { processMark, processStart } from '../../outside/process/index.ts'

/** A process that runs now. */
export interface Running {
  readonly pid: number
  /** Belongs to this process and to no later one with the same number. */
  readonly mark: string
  readonly startedAt: number | undefined
}

/**
 * The process that a pid file names. `gone` when there is no file, no number in it, or no such process; `denied` when the file
 * is there and may not be read.
 */
export function readPidFile(path: string): Running | 'gone' | 'denied' {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    return reduceCause(thrown).code === 'ENOENT' ? 'gone' : 'denied'
  }
  const pid = Number(/^\s*(\d{1,10})\s*$/m.exec(text)?.[1])
  // 0 would be our own process group, 1 the system's first process: a broken file must not reach them.
  if (!(pid > 1)) return 'gone'
  const mark = processMark(pid)
  return mark === undefined ? 'gone' : { pid, mark, startedAt: processStart(pid) }
}

/** The real path of a pid file, which itself may be missing just now. */
export function realPath(path: string, base: string): string {
  const full = resolve(base, path)
  try {
    return join(realpathSync(dirname(full)), basename(full))
  } catch {
    return full
  }
}
