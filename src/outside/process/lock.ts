import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeSync } from 'node:fs'
import { reduceCause } from '../../kit/error.ts'
import { processMark } from './start.ts'

/**
 * How a successor learns that a child of a killed worker still runs (I10). The lock is a file that the child inherits as an
 * open handle and that names the child. It is taken away when the worker sees the child end; one that is left behind belongs
 * to a worker that was killed.
 *
 * On Linux the handle itself is looked for (`/proc/PID/fd`), so a grandchild counts and so does a child whose number could
 * not be written any more. Elsewhere only the child that the file names counts, and between its start and the writing of its
 * number (microseconds) it is not seen; the successor's wait for deadline and settling covers that. A child that runs as another
 * user (sudo) cannot be looked into either; it counts by its number.
 */
export interface Lock {
  /** Passed to the child as its fourth handle. */
  readonly fd: number
  /** Writes down who runs; our own handle is closed. */
  name(pid: number): void
  /** Takes the lock away. */
  release(): void
}

interface Left {
  /** Unix ms. */
  readonly deadline: number
  readonly pid?: number
  readonly mark?: string
}

/** Takes the lock for one child. What an earlier child left is overwritten: see {@link orphanAlive} first. */
export function takeLock(path: string, deadline: number): Lock {
  // A new file each time: a daemon of an earlier command may hold the old one open for ever.
  rmSync(path, { force: true })
  const fd = openSync(path, 'wx', 0o600)
  writeSync(fd, JSON.stringify({ deadline } satisfies Left))
  return {
    fd,
    name: (pid) => {
      const mark = processMark(pid)
      writeSync(fd, JSON.stringify({ deadline, pid, ...(mark === undefined ? {} : { mark }) } satisfies Left), 0)
      closeSync(fd)
    },
    release: () => rmSync(path, { force: true }),
  }
}

/** A file that was cut in the middle of its writing names no child and no deadline. */
function readLeft(path: string): Left | undefined {
  // The common case, asked before every effect: an error with its stack would cost more than the look.
  if (!existsSync(path)) return undefined
  let left: unknown
  try {
    left = JSON.parse(readFileSync(path, 'utf8'))
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return { deadline: Infinity }
    if (reduceCause(thrown).code === 'ENOENT') return undefined
    throw thrown
  }
  const fields = new Map(typeof left === 'object' && left !== null ? Object.entries(left) : [])
  const [deadline, pid, mark]: unknown[] = [fields.get('deadline'), fields.get('pid'), fields.get('mark')]
  return {
    deadline: typeof deadline === 'number' ? deadline : Infinity,
    ...(typeof pid === 'number' && pid > 1 ? { pid } : {}),
    ...(typeof mark === 'string' ? { mark } : {}),
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function handlesOf(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch {
    // Gone meanwhile, or another user's, which cannot hold a file of mode 0600 of ours.
    return []
  }
}

function isHeld(path: string): boolean {
  const real = realpathSync(path)
  const others = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
  return others.some((pid) => handlesOf(pid).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === real))
}

/**
 * Whether a child that a killed worker started under this lock may still act: the child itself at any time, and up to the
 * deadline anything that it started. After the deadline a remaining holder is a daemon that the command left running on purpose.
 * No file means no. Throws when the file is there and cannot be read. `now` is unix ms.
 */
export function orphanAlive(path: string, now: number = Date.now()): boolean {
  const left = readLeft(path)
  if (left === undefined) return false
  if (left.pid !== undefined && left.mark !== undefined && processMark(left.pid) === left.mark) return true
  return process.platform === 'linux' && now < left.deadline && isHeld(path)
}

/**
 * Ends the child that a killed worker left, with its process group, at once: what its worker would have done at the deadline.
 * Only a process that is certainly the one that was started is touched, and with `now` (unix ms) only one whose deadline is over.
 * May be repeated.
 */
export function endOrphan(path: string, now: number = Infinity): void {
  const left = readLeft(path)
  if (left !== undefined && now < left.deadline) return
  if (left?.pid === undefined || left.mark === undefined || processMark(left.pid) !== left.mark) return
  try {
    process.kill(-left.pid, 'SIGKILL')
  } catch (thrown) {
    if (reduceCause(thrown).code !== 'ESRCH') throw thrown
  }
}
