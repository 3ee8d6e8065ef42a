import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { processMark } from '../kit/process/start.ts'

/** A name for this process that no other process has or will have: host, boot, process space, pid and start. */
export function ownerOf(pid: number): string {
  return `${place()} ${processMark(pid) ?? pid}`
}

/** Whether the process behind the name certainly does not exist any more. Of another host or boot nothing is known: false. */
export function ownerIsDead(owner: string): boolean {
  const [where, mark] = owner.split(' ')
  if (where !== place() || mark === undefined) return false
  return processMark(Number(mark.split('@')[0])) !== mark
}

function place(): string {
  return [hostname(), read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()), read(() => readlinkSync('/proc/self/ns/pid'))].join('/')
}

function read(source: () => string): string {
  try {
    return source()
  } catch {
    return '-'
  }
}
