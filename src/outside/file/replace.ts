import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { reduceCause } from '../../kit/error.ts'
import { disk, type FilePort, type NewFile } from './port.ts'
import { asUnknown, fileRefusal } from './refusal.ts'
import { findTarget, type Target, tempOf } from './target.ts'

export interface Replacement {
  /** The file, or a link to it: the link stays, the file behind it is replaced. */
  readonly path: string
  readonly content: Uint8Array
  /** Asked with the content as it is right before it changes; false refuses with CONFLICT. */
  readonly still: (current: Buffer) => boolean
  /** Aborted before it changes: refused with DEADLINE. */
  readonly signal: AbortSignal
}

/** Errors of rename(2) after which the old name is certainly still in place. */
const RENAME_REFUSED = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EXDEV', 'ENOSPC', 'EDQUOT'])

/**
 * Replaces the content of a file: everybody sees the old one or the new one, whole. Mode and owner stay. The content lies for
 * a moment beside the target in a file of mode 0600 with a fixed name ({@link tempOf}); after a kill see {@link tidyFile}.
 *
 * - `done`: the new content is there, durably.
 * - `refused`: the old content is untouched. STORE_FULL, STORE_DENIED (also when the owner cannot be kept), STORE_MISSING,
 *   STORE_UNSAFE, DEADLINE; CONFLICT when `still` said no, or when the temp file is there because another writer is at work or
 *   was killed.
 * - `unknown`: the rename may not be durable.
 *
 * Between the last look of `still` and the rename lie two system calls. A writer that takes no part in keyturn's locks and saves
 * the file in just that window is overwritten; POSIX has no rename that compares.
 * Links are resolved once, at the start. Access control lists and extended attributes are not carried over.
 */
export async function replaceFile(replacement: Replacement, port: FilePort = disk): Promise<Answer<void>> {
  const target = await findTarget(replacement.path, port)
  if (target.is !== 'done') return target
  const temp = tempOf(target.value.real)
  let file: NewFile
  try {
    file = await port.create(temp)
  } catch (thrown) {
    if (reduceCause(thrown).code === 'EEXIST')
      return refused('CONFLICT', `${temp} is there: another writer, or what a killed one left`)
    return fileRefusal(thrown, replacement.path)
  }
  let written: Stats
  try {
    written = await fill(file, replacement.content, target.value)
  } catch (thrown) {
    return clean(fileRefusal(thrown, replacement.path), temp, port)
  }
  const held = await holdsStill(replacement, target.value, temp, written, port)
  if (held.is !== 'done') return clean(held, temp, port)
  return settle(replacement.path, target.value.real, temp, port)
}

async function fill(file: NewFile, content: Uint8Array, { stat }: Target): Promise<Stats> {
  try {
    await file.write(content)
    const fresh = await file.stat()
    if (fresh.uid !== stat.uid || fresh.gid !== stat.gid) await file.own(stat.uid, stat.gid)
    // After the owner: a change of owner may clear bits, and until then nobody else may read.
    await file.mode(stat.mode & 0o7777)
    await file.sync()
    return fresh
  } finally {
    await file.close()
  }
}

/** The last looks before the rename: time left, the temp file still ours, the target still the one that was read. */
async function holdsStill(
  { path, still, signal }: Replacement,
  target: Target,
  temp: string,
  written: Stats,
  port: FilePort,
): Promise<Answer<void>> {
  try {
    const now = await port.stat(target.real)
    // Another run that shares this file may have tidied it away: then this one reads and writes again.
    const ours = await presentStat(temp, port)
    if (ours === undefined) return refused('CONFLICT', `${temp} was taken away by another writer`)
    if (ours.ino !== written.ino || ours.dev !== written.dev) return refused('CONFLICT', `${temp} was replaced by another writer`)
    if (!now.isFile() || now.mode !== target.stat.mode || now.uid !== target.stat.uid || now.gid !== target.stat.gid)
      return refused('CONFLICT', `${path} changed its kind, mode or owner`)
    if (signal.aborted) return refused('DEADLINE', path)
    return still(await port.read(target.real)) ? done(undefined) : refused('CONFLICT', path)
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
}

/** Undefined when there is no such file. */
async function presentStat(path: string, port: FilePort): Promise<Stats | undefined> {
  try {
    return await port.stat(path)
  } catch (thrown) {
    if (reduceCause(thrown).code === 'ENOENT') return undefined
    throw thrown
  }
}

async function isThere(path: string, port: FilePort): Promise<boolean> {
  try {
    return (await presentStat(path, port)) !== undefined
  } catch {
    return false
  }
}

async function settle(path: string, real: string, temp: string, port: FilePort): Promise<Answer<void>> {
  try {
    await port.rename(temp, real)
  } catch (thrown) {
    const { code } = reduceCause(thrown)
    if (code === 'ENOENT' && (await isThere(real, port))) return refused('CONFLICT', `${temp} was taken away by another writer`)
    const answer = fileRefusal(thrown, path)
    if (code !== undefined && RENAME_REFUSED.has(code)) return clean(answer, temp, port)
    return asUnknown(answer)
  }
  try {
    await port.syncFolder(dirname(real))
  } catch (thrown) {
    return asUnknown(fileRefusal(thrown, path))
  }
  return done(undefined)
}

/** Takes the temp file away after a refusal; one that cannot be taken away is named, for {@link tidyFile}. */
async function clean<T>(answer: Answer<T>, temp: string, port: FilePort): Promise<Answer<T>> {
  // A temp file that is another writer's now is left to that one.
  if (answer.is === 'refused' && answer.about?.startsWith(temp) === true) return answer
  try {
    await port.remove(temp)
    return answer
  } catch (thrown) {
    if (reduceCause(thrown).code === 'ENOENT' || answer.is !== 'refused') return answer
    return refused(answer.code, `${answer.about ?? ''}; ${temp} could not be taken away`, answer.evidence)
  }
}
