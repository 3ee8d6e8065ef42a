import { type FileHandle, open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { Ms } from '../../kit/call.ts'
import { Lines } from './lines.ts'
import { rotatedOf } from './rotated.ts'
import type { Tally } from './tally.ts'

/** Where a log stood: up to here it had been written, in which file, and how its end looked. */
export interface Mark {
  /** Device and inode. */
  readonly inode: string
  /** Bytes up to the end of the last whole line. */
  readonly size: number
  /** A checksum of what stands before it: a file that was emptied and written again has another. 32 bits, which tell no text. */
  readonly tail: number
  /** When that was, unix ms. */
  readonly at: number
}

/** What is read of a log. */
export interface Span {
  readonly from: Ms
  /** Absent: what there is from that time on, which needs lines with times. */
  readonly mark?: Mark | undefined
}

const TAIL = 1024
const PIECE = 64 * 1024
/** A file is looked through backwards for the beginning of a span at most so far. */
const BACK = 64 * 1024 * 1024
/** What was written after the mark carries no earlier time than this before it, or its clock is not ours. */
const CLOCK: Ms = 60_000

/** Where a log stands now. Throws what the file system throws. */
export async function markOf(path: string, at: number): Promise<Mark> {
  return inFile(path, async (file, { inode, size }) => {
    const end = await lineBefore(file, size)
    return { inode, size: end, tail: await tailBefore(file, end), at }
  })
}

/**
 * Reads a log from a mark on, through its rotations: what was renamed or copied is found in the same folder, what was emptied is
 * read from its beginning. Answers whether all that was written since was there to be read. Throws what the file system throws
 * when the log is not there, and the signal's reason when it aborts.
 */
export async function readFile(path: string, { from, mark }: Span, tally: Tally, signal: AbortSignal): Promise<boolean> {
  const seen = new Set<string>()
  let missing: unknown
  let found = false
  let lost = false
  for (const { path: each, packed } of [{ path, packed: false }, ...(await rotatedOf(path))]) {
    signal.throwIfAborted()
    try {
      await inFile(each, async (file, { inode, size, written }) => {
        if (seen.has(inode)) return
        seen.add(inode)
        if (mark !== undefined && inode === mark.inode && size >= mark.size && (await tailBefore(file, mark.size)) === mark.tail) {
          found = true
          await readOn(file, mark.size, size, tally.stretch({ untimed: true, notBefore: mark.at - CLOCK }), signal)
        } else if (each === path && mark !== undefined) {
          // Made anew, or emptied, since the mark.
          await readOn(file, 0, size, tally.stretch({ untimed: true, notBefore: mark.at - CLOCK }), signal)
        } else if (each === path || written >= from) {
          const { heard, timed } = tally
          if (!packed) await readOn(file, await beginning(file, size, tally, from), size, tally.stretch({ untimed: false }), signal)
          // What is packed cannot be looked into, and lines without a time may be of any.
          lost ||= packed || (each !== path && tally.heard > heard && tally.timed === timed)
        }
      })
    } catch (thrown) {
      if (signal.aborted) throw thrown
      // Rotated away at this very moment, or never there.
      if (each === path) missing = thrown
      else lost = true
    }
  }
  if (missing !== undefined && !found) throw missing
  return !lost && (found || tally.reachesBack)
}

interface Facts {
  readonly inode: string
  readonly size: number
  /** Last, unix ms. */
  readonly written: number
}

async function inFile<T>(path: string, body: (file: FileHandle, facts: Facts) => Promise<T>): Promise<T> {
  // Opening a pipe would wait for its writer.
  if (!(await stat(path)).isFile()) throw Object.assign(new Error('not a file'), { code: 'ENOTSUP' })
  const file = await open(path, 'r')
  try {
    const { dev, ino, size, mtimeMs } = await file.stat({ bigint: true })
    return await body(file, { inode: `${dev}:${ino}`, size: Number(size), written: Number(mtimeMs) })
  } finally {
    await file.close()
  }
}

/** From where a file has to be read to see all lines from that time on: the search goes back in steps that double. */
async function beginning(file: FileHandle, size: number, tally: Tally, from: Ms): Promise<number> {
  for (let back = PIECE; back < size; back *= 2) {
    const start = await lineBefore(file, size - back)
    const [line = ''] = (await readAt(file, start, 4096)).toString('utf8').split('\n', 1)
    const time = tally.timeOf(line)
    if (back >= BACK || (time !== undefined && time < from)) return start
  }
  return 0
}

async function readOn(file: FileHandle, start: number, end: number, each: (line: string) => void, signal: AbortSignal): Promise<void> {
  const lines = new Lines(each)
  for (let at = start; at < end; ) {
    signal.throwIfAborted()
    const piece = await readAt(file, at, Math.min(PIECE, end - at))
    if (piece.length === 0) break
    lines.push(piece)
    at += piece.length
  }
  lines.end()
}

/** The end of the last whole line before a place; the place itself when there is none near. */
async function lineBefore(file: FileHandle, place: number): Promise<number> {
  const start = Math.max(0, place - PIECE)
  const at = (await readAt(file, start, place - start)).lastIndexOf(0x0a)
  return at === -1 ? (start === 0 ? 0 : place) : start + at + 1
}

async function tailBefore(file: FileHandle, place: number): Promise<number> {
  const start = Math.max(0, place - TAIL)
  return crc32(await readAt(file, start, place - start))
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
  return buffer.subarray(0, bytesRead)
}
