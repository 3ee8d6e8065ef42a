import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunChoice } from './world.ts'

/** A disk that can be full. */
export interface SmallDisk {
  /** Leaves no byte. Answers what the command line has to be run with, so that it finds no room. */
  fill(): RunChoice
  /** Makes room again. */
  free(): void
  /** Takes the disk away; what is on it is gone. */
  close(): void
}

/** How a full disk can be had here: a file system of its own for root where that is allowed, and errors in its place everywhere. */
export const waysToFill: readonly ('file system' | 'errors')[] = mayMount() ? ['file system', 'errors'] : ['errors']

/** A disk at this folder, which must be empty or not there yet; `for` is what lies on it. */
export function smallDisk(way: 'file system' | 'errors', folder: string, use: 'state' | 'store'): SmallDisk {
  if (way === 'errors') {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return { fill: () => ({ before: ['./full.ts'], env: { WORLDS_FULL: use } }), free: () => undefined, close: () => undefined }
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mount(folder, '1m')
  const filler = join(folder, 'filler')
  return {
    fill: () => {
      fillUp(filler)
      return {}
    },
    free: () => rmSync(filler),
    close: () => execFileSync('umount', [folder]),
  }
}

function fillUp(file: string): void {
  const handle = openSync(file, 'w')
  try {
    // Pages of the file system: the last write that fits leaves less than one.
    for (;;) writeSync(handle, Buffer.alloc(4096))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(handle)
  }
}

function mount(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', folder], { stdio: 'ignore' })
}

function mayMount(): boolean {
  if (process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-disk-'))
  try {
    mount(folder, '64k')
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(folder)
  }
}
