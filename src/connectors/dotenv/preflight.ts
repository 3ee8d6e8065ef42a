import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { fileRefusal, type FilePort, findTarget, gitState, isExample, type Target, tempOf } from '../../kit/file/index.ts'
import { decode } from './fit.ts'
import { readAll, READERS, type Reader } from './readers/index.ts'

/**
 * Whether the file is a safe and writable place for values: there, no example, kept out of git, writable with its owner kept, and
 * readable by the declared readers. Looks only. Notices: who else may read the file, which readers were left out, a temp file
 * that git would take.
 */
export async function inspect(
  path: string,
  declared: readonly Reader[] | undefined,
  port: FilePort,
  call: Call,
): Promise<Answer<{ readonly notices: readonly string[] }>> {
  const target = await findTarget(path, port)
  if (target.is !== 'done') return target
  const { real, stat } = target.value
  if (isExample(path) || isExample(real)) return refused('STORE_UNSAFE', `${path} is an example by its name`)
  const hidden = await hiddenFromGit(path, real, call)
  if (hidden.is !== 'done') return hidden
  const writable = await writableBy(path, target.value, port)
  if (writable.is !== 'done') return writable
  let text: string
  try {
    text = decode((await port.read(real)).toString('latin1'))
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
  const unable = (declared ?? READERS).filter((reader) => readAll(reader, text) === undefined)
  if (declared !== undefined && unable.length > 0)
    return refused('VALUE_UNREADABLE', `${unable.join(', ')} cannot read ${path} as it is`)
  return done({ notices: [...hidden.value, ...modeNotice(path, stat), ...unable.map((reader) => leftOut(reader, path))] })
}

/** Answers what a reviewer must know. */
async function hiddenFromGit(path: string, real: string, call: Call): Promise<Answer<readonly string[]>> {
  const state = await gitState(real, call)
  if (state === 'outside') return done([])
  if (state === 'tracked') return refused('STORE_UNSAFE', `${path} is tracked by git`)
  if (state === 'exposed') return refused('STORE_UNSAFE', `${path} is in a git work tree that does not ignore it`)
  if (state === 'unknown')
    return refused('STORE_UNSAFE', `${path} is in a git work tree, and git does not say whether it ignores it`)
  const temp = tempOf(real)
  if ((await gitState(temp, call)) === 'ignored') return done([])
  return done([`git does not ignore ${temp}, where a new content lies for a moment: add *.keyturn-tmp to .gitignore`])
}

/** A new file takes the place of the old, so the folder counts, and only root may give a file to somebody else. */
async function writableBy(path: string, { real, stat }: Target, port: FilePort): Promise<Answer<void>> {
  try {
    await port.writable(real)
    await port.writable(dirname(real))
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
  const user = process.getuid?.() ?? 0
  const groups = [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])]
  if (user !== 0 && (stat.uid !== user || !groups.includes(stat.gid)))
    return refused('STORE_DENIED', `${path} belongs to another user or group, which could not be kept`)
  return done(undefined)
}

function modeNotice(path: string, stat: Stats): readonly string[] {
  if ((stat.mode & 0o066) === 0) return []
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0')
  return [`${path} has mode ${mode}: not only its owner may read or write it; keyturn keeps the mode`]
}

function leftOut(reader: Reader, path: string): string {
  return `${reader} cannot read ${path} as it is, so values are not checked for it; name who reads the file under \`readers\``
}
