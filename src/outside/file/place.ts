import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { isExample } from './example.ts'
import { gitState } from './git.ts'
import { findMounts } from './mount.ts'
import type { FilePort } from './port.ts'
import { fileRefusal } from './refusal.ts'
import { findTarget, type Target, tempOf } from './target.ts'
import type { Way } from './way.ts'

/**
 * Whether a file is a safe and writable place for values: there, no example, kept out of git, not mounted by itself where it has
 * to be replaced, writable with its owner kept. Looks only. Notices: who else may read the file, who else has it mounted or under
 * another name, a temp file that git would take, what a kill in the middle of a write could leave.
 */
export async function inspectPlace(
  path: string,
  way: Way,
  port: FilePort,
  call: Call,
): Promise<Answer<{ readonly real: string; readonly notices: readonly string[] }>> {
  const target = await findTarget(path, port, way === 'replace' ? 'one' : 'any')
  if (target.is !== 'done') return target
  const { real, stat } = target.value
  if (isExample(path) || isExample(real)) return refused('STORE_UNSAFE', `${path} is an example by its name`)
  const hidden = await hiddenFromGit(path, real, call)
  if (hidden.is !== 'done') return hidden
  const mounted = await mountedElsewhere(path, real, way, port)
  if (mounted.is !== 'done') return mounted
  const writable = await writableBy(path, target.value, way, port)
  if (writable.is !== 'done') return writable
  const notices = [...hidden.value, ...mounted.value, ...writable.value, ...modeNotice(path, stat), ...namesNotice(path, stat)]
  return done({ real, notices })
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

/** A file that is mounted by itself cannot be replaced, and keeps its old content in the containers that have it so. */
async function mountedElsewhere(path: string, real: string, way: Way, port: FilePort): Promise<Answer<readonly string[]>> {
  const { here, orphan, elsewhere, stale } = await findMounts(real, port)
  if (orphan)
    return refused('STORE_UNSAFE', `${path} is mounted by itself, and its file was replaced outside: mount it anew, or its folder`)
  if (here && way === 'replace')
    return refused('STORE_UNSAFE', `${path} is mounted by itself, so it cannot be replaced: mount its folder, or say \`write: in-place\``)
  const notices: string[] = []
  if (elsewhere > 0 && way === 'replace')
    notices.push(
      `${path} is mounted by itself in ${elsewhere} other mount namespace(s): such a container keeps the old content until it is ` +
        'restarted; mount the folder, or say `write: in-place`',
    )
  if (stale > 0) notices.push(`${stale} other mount namespace(s) hold an older ${path}, which was replaced since: restart those containers`)
  return done(notices)
}

/** A new file takes the place of the old, so the folder counts, and only root may give a file to somebody else. */
async function writableBy(path: string, { real, stat }: Target, way: Way, port: FilePort): Promise<Answer<readonly string[]>> {
  try {
    await port.writable(real)
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
  try {
    await port.writable(dirname(real))
  } catch (thrown) {
    if (way === 'replace') return fileRefusal(thrown, path)
    return done([`the folder of ${path} may not be written: after a kill in the middle of a write nothing can put the old content back`])
  }
  const user = process.getuid?.() ?? 0
  const groups = [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])]
  if (way === 'replace' && user !== 0 && (stat.uid !== user || !groups.includes(stat.gid)))
    return refused('STORE_DENIED', `${path} belongs to another user or group, which could not be kept`)
  return done([])
}

function modeNotice(path: string, stat: Stats): readonly string[] {
  if ((stat.mode & 0o066) === 0) return []
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0')
  return [`${path} has mode ${mode}: not only its owner may read or write it; keyturn keeps the mode`]
}

/** Only where it is written in place: elsewhere a second name is refused. */
function namesNotice(path: string, stat: Stats): readonly string[] {
  return stat.nlink > 1 ? [`${path} has ${stat.nlink} names (hard links): what is read under the others changes with it`] : []
}
