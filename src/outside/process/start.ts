import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Clock ticks per second in `/proc/PID/stat`: USER_HZ, 100 on every architecture that Node supports (proc(5)). */
const TICKS = 100

interface Stat {
  readonly state: string
  /** After boot. */
  readonly ticks: number
}

/** Undefined when there is no such process. The name in parentheses may hold spaces and parentheses, so it is cut at the last. */
function readStat(pid: number): Stat | undefined {
  let line: string
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const rest = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state] = rest
  const ticks = Number(rest[19])
  return state === undefined || !Number.isFinite(ticks) ? undefined : { state, ticks }
}

/** `ps -o lstart=`, in seconds of local time; for systems without /proc. */
function readPs(pid: number): string | undefined {
  const ps = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  })
  const [, state, started] = /^\s*(\S+)\s+(.+?)\s*$/.exec(ps.stdout ?? '') ?? []
  return state === undefined || state.startsWith('Z') ? undefined : started
}

/**
 * A mark that belongs to one process and to no later one with the same number: pid and start. It does not move when the clock is
 * set. Undefined when the process is gone; one that has ended and was not reaped by its parent (a zombie) is gone.
 */
export function processMark(pid: number): string | undefined {
  if (process.platform !== 'linux') {
    const started = readPs(pid)
    return started === undefined ? undefined : `${pid}@${Date.parse(started)}`
  }
  const stat = readStat(pid)
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : `${pid}@${stat.ticks}`
}

/**
 * When a process started, unix ms: `/proc/PID/stat` and the boot time of `/proc/stat` on Linux (exact to a second, and it moves
 * when the clock is set), `ps` elsewhere. Undefined when there is no such process.
 */
export function processStart(pid: number): number | undefined {
  if (process.platform !== 'linux') {
    const started = readPs(pid)
    return started === undefined ? undefined : Date.parse(started)
  }
  const stat = readStat(pid)
  if (stat === undefined) return undefined
  const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]
  return boot === undefined ? undefined : Number(boot) * 1000 + (stat.ticks * 1000) / TICKS
}
