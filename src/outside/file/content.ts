import { createHash } from 'node:crypto'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { isExample } from './example.ts'
import { overwriteFile } from './overwrite.ts'
import type { FilePort } from './port.ts'
import { fileRefusal } from './refusal.ts'
import { replaceFile } from './replace.ts'
import { findTarget } from './target.ts'
import type { Way } from './way.ts'

/** What a file holds. `revision` stands for all of it. */
export interface Content {
  readonly bytes: Buffer
  readonly revision: string
}

/** The SHA-256 of a content. */
export function revisionOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Reads the regular file behind a path. Refused as by `findTarget`. */
export async function loadContent(path: string, way: Way, port: FilePort): Promise<Answer<Content>> {
  const target = await findTarget(path, port, way === 'replace' ? 'one' : 'any')
  if (target.is !== 'done') return target
  try {
    const bytes = await port.read(target.value.real)
    return done({ bytes, revision: revisionOf(bytes) })
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
}

export interface Saving {
  readonly path: string
  readonly bytes: Uint8Array
  /** Of the content that the new one was made from: any other one that is there refuses with CONFLICT. */
  readonly ifRevision: string
  readonly way: Way
}

/**
 * Puts new content into a file, by `replaceFile` or `overwriteFile`, whose answers it gives; an example is refused with
 * STORE_UNSAFE. The same content is not written again.
 */
export async function saveContent(
  { path, bytes, ifRevision, way }: Saving,
  { signal }: Pick<Call, 'signal'>,
  port: FilePort,
): Promise<Answer<{ readonly revision: string }>> {
  const revision = revisionOf(bytes)
  const target = await findTarget(path, port, way === 'replace' ? 'one' : 'any')
  if (target.is !== 'done') return target
  if (isExample(path) || isExample(target.value.real)) return refused('STORE_UNSAFE', `${path} is an example by its name`)
  if (revision === ifRevision) return done({ revision })
  const still = (current: Buffer): boolean => revisionOf(current) === ifRevision
  const write = way === 'replace' ? replaceFile : overwriteFile
  const written = await write({ path, content: bytes, still, signal }, port)
  return written.is === 'done' ? done({ revision }) : written
}
