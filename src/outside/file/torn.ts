import { z } from 'zod'

/** What lies beside a file while it is written in place. */
export interface Both {
  readonly old: Uint8Array
  readonly new: Uint8Array
}

const shape = z.strictObject({ keyturn: z.literal('overwrite'), old: z.base64(), new: z.base64() })

/** As a file: one that is not whole cannot be read. */
export function writeBoth({ old, new: next }: Both): Uint8Array {
  const text = (content: Uint8Array): string => Buffer.from(content).toString('base64')
  return Buffer.from(JSON.stringify({ keyturn: 'overwrite', old: text(old), new: text(next) }))
}

/** Undefined when it is something else, or not whole. */
export function readBoth(content: Uint8Array): Both | undefined {
  try {
    const read = shape.safeParse(JSON.parse(Buffer.from(content).toString('utf8')))
    if (!read.success) return undefined
    return { old: Buffer.from(read.data.old, 'base64'), new: Buffer.from(read.data.new, 'base64') }
  } catch {
    return undefined
  }
}

/**
 * Whether a content is what a write left that was killed in the middle: neither the old one nor the new one, every byte from one
 * of the two. What a person made of it meanwhile is not, and is left alone.
 */
export function isTorn(now: Uint8Array, { old, new: next }: Both): boolean {
  if (Buffer.compare(now, old) === 0 || Buffer.compare(now, next) === 0) return false
  if (now.length < Math.min(old.length, next.length) || now.length > Math.max(old.length, next.length)) return false
  return now.every((byte, at) => byte === old[at] || byte === next[at])
}
