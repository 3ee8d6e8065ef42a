import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { processMark } from '../outside/process/start.ts'

/** Where processes have numbers of their own: one boot of one machine, and there one process space. */
export interface Where {
  readonly host: string
  /** A name that no other boot of any machine has; undefined where the system does not tell one. */
  readonly boot: string | undefined
  /** Undefined where it cannot be told whose numbers are meant. */
  readonly space: string | undefined
}

/** A name for this process that no other process has or will have: host, boot, process space, pid and start. */
export function ownerOf(pid: number, here: Where = whereAreWe()): string {
  return `${nameOf(here)} ${processMark(pid) ?? pid}`
}

/**
 * Whether the process behind the name certainly does not exist any more. Of another machine, boot or process space nothing is known,
 * and neither where this one cannot be told from another one: false.
 */
export function ownerIsDead(owner: string, here: Where = whereAreWe()): boolean {
  const [where, mark] = owner.split(' ')
  if (here.boot === undefined || here.space === undefined || where !== nameOf(here) || mark === undefined) return false
  return processMark(Number(mark.split('@')[0])) !== mark
}

function nameOf({ host, boot = '-', space = '-' }: Where): string {
  return [host.replaceAll(/\s/g, '-'), boot, space].join('/')
}

function whereAreWe(): Where {
  const [boot, space] = process.platform === 'linux'
    ? [read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')), read(() => readlinkSync('/proc/self/ns/pid'))]
    : [read(() => spawnSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } }).stdout), 'all']
  return { host: hostname(), boot, space }
}

function read(source: () => string | null): string | undefined {
  try {
    const text = source()?.trim()
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}
