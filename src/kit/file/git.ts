import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Call } from '../call.ts'
import { runChild } from '../process/run.ts'

/**
 * How git sees a file: `outside` every work tree, `tracked`, `ignored`, `exposed` (in a work tree and neither: the next
 * `git add` takes it), `unknown` (in a work tree, but git is not installed or refuses to look, e.g. at a folder of another user).
 */
export type GitState = 'outside' | 'tracked' | 'ignored' | 'exposed' | 'unknown'

/**
 * Asks git about one file, which need not exist. Links are not followed: ask about the real path. Changes nothing, not even git's
 * index (GIT_OPTIONAL_LOCKS, git(1)). Only the path is in the arguments.
 */
export async function gitState(path: string, call: Pick<Call, 'signal' | 'deadline'>): Promise<GitState> {
  const ask = async (...words: string[]): Promise<{ exit: number; said: string } | undefined> => {
    const argv = ['git', '-C', dirname(path), ...words]
    const ran = await runChild({ argv, cwd: '/', env: { GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' } }, call)
    return ran.is === 'done' ? { exit: ran.value.exit, said: ran.value.stdout.trim() } : undefined
  }
  // A name that looks like an option or a pattern stays a name.
  const name = `./${basename(path)}`
  const inside = await ask('rev-parse', '--is-inside-work-tree')
  if (inside?.exit !== 0) return belowGit(dirname(path)) ? 'unknown' : 'outside'
  if (inside.said !== 'true') return 'outside'
  const listed = await ask('--literal-pathspecs', 'ls-files', '--cached', '--', name)
  if (listed?.exit !== 0) return 'unknown'
  if (listed.said !== '') return 'tracked'
  const ignored = await ask('check-ignore', '--quiet', '--', name)
  if (ignored?.exit === 0) return 'ignored'
  return ignored?.exit === 1 ? 'exposed' : 'unknown'
}

function belowGit(folder: string): boolean {
  if (existsSync(join(folder, '.git'))) return true
  return dirname(folder) !== folder && belowGit(dirname(folder))
}
