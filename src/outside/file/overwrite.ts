import { dirname } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { reduceCause } from '../../kit/error.ts'
import { disk, type FilePort, type OldFile } from './port.ts'
import { asUnknown, fileRefusal } from './refusal.ts'
import type { Replacement } from './replace.ts'
import { findTarget, tempOf } from './target.ts'
import { type Both, writeBoth } from './torn.ts'

/** Errors of open(2) that say no file may be made in this folder, which writing in place does not need. */
const NO_ROOM_BESIDE = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * Writes the new content into the file that is there, for a file that {@link replaceFile} cannot replace: one that is mounted by
 * itself, or one whose owner could not be kept. Name, inode, mode and owner stay. It is not atomic: who reads in just that moment
 * may see a mixture. Old and new content lie beside it meanwhile ({@link tempOf}, mode 0600), so that `tidyFile` puts the old one
 * back after a kill in the middle; where nothing may be made in the folder, a kill in the middle leaves the mixture.
 *
 * Answers as {@link replaceFile}: `refused` means that the old content is there, whole; `unknown` that a mixture may be there.
 */
export async function overwriteFile(replacement: Replacement, port: FilePort = disk): Promise<Answer<void>> {
  const { path, content } = replacement
  const target = await findTarget(path, port, 'any')
  if (target.is !== 'done') return target
  const { real } = target.value
  const temp = tempOf(real)
  let both: Both
  try {
    both = { old: await port.read(real), new: content }
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
  const kept = await keep(both, temp, port)
  if (kept.is !== 'done') return kept
  const answer = await overwrite(replacement, real, both, port)
  // What is not known is for `tidyFile` to mend, with what lies beside the file.
  if (kept.value && answer.is !== 'unknown') await drop(temp, port)
  return answer
}

/** Lays old and new content beside the file; false where nothing may be made there. */
async function keep(both: Both, temp: string, port: FilePort): Promise<Answer<boolean>> {
  try {
    const file = await port.create(temp)
    try {
      await file.write(writeBoth(both))
      await file.sync()
    } finally {
      await file.close()
    }
    await port.syncFolder(dirname(temp))
    return done(true)
  } catch (thrown) {
    const { code } = reduceCause(thrown)
    if (code === 'EEXIST') return refused('CONFLICT', `${temp} is there: another writer, or what a killed one left`)
    if (code !== undefined && NO_ROOM_BESIDE.has(code)) return done(false)
    await drop(temp, port)
    return fileRefusal(thrown, temp)
  }
}

/** What cannot be taken away now is taken away by the next `tidyFile`, without which no write goes on. */
async function drop(temp: string, port: FilePort): Promise<boolean> {
  try {
    await port.remove(temp)
    return true
  } catch {
    return false
  }
}

async function overwrite({ path, still, signal }: Replacement, real: string, both: Both, port: FilePort): Promise<Answer<void>> {
  let file: OldFile
  try {
    file = await port.edit(real)
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
  try {
    const now = await port.read(real)
    if (signal.aborted) return refused('DEADLINE', path)
    if (!now.equals(both.old) || !still(now)) return refused('CONFLICT', path)
    return await putOrPutBack(file, path, both)
  } catch (thrown) {
    return fileRefusal(thrown, path)
  } finally {
    await file.close()
  }
}

async function putOrPutBack(file: OldFile, path: string, both: Both): Promise<Answer<void>> {
  try {
    await put(file, both.new)
    return done(undefined)
  } catch (thrown) {
    const failed = fileRefusal(thrown, path)
    try {
      await put(file, both.old)
      return failed
    } catch {
      return asUnknown(failed)
    }
  }
}

/** All of the content, durably, and nothing behind it. */
export async function put(file: OldFile, content: Uint8Array): Promise<void> {
  await file.write(content)
  await file.cut(content.length)
  await file.sync()
}
