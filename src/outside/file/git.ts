import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Call } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { runChild } from '../process/run.ts'

/**
 * How git sees a file: `outside` every work tree, `tracked`, `ignored`, `exposed` (in a work tree and neither: the next
 * `git add` takes it), `unknown` (in a work tree, but git is not installed or refuses to look, e.g. at a folder of another user).
 */
export type GitState = 'outside' | 'tracked' | 'ignored' | 'exposed' | 'unknown'

/** So many names go into one command line, which then stays far below every limit, and its answer below what is kept of it. */
const AT_ONCE = 200

/**
 * Asks git about one file, which need not exist. Links are not followed: ask about the real path. Changes nothing, not even git's
 * index (GIT_OPTIONAL_LOCKS, git(1)). Only the path is in the arguments.
 */
export async function gitState(path: string, call: Pick<Call, 'signal' | 'deadline'>): Promise<GitState> {
  return (await gitStates([path], call)).get(path) ?? 'unknown'
}

/** As {@link gitState} for many files; those of one folder are asked about together. Every path is in the answer. */
export async function gitStates(paths: readonly string[], call: Pick<Call, 'signal' | 'deadline'>): Promise<ReadonlyMap<string, GitState>> {
  const states = new Map<string, GitState>()
  for (const [folder, names] of Map.groupBy(new Set(paths), dirname)) {
    for (let from = 0; from < names.length; from += AT_ONCE) {
      const some = names.slice(from, from + AT_ONCE)
      const stateOf = await askGit(folder, some.map((path) => basename(path)), call)
      for (const path of some) states.set(path, stateOf(basename(path)))
    }
  }
  return states
}

/** Asks about files of one folder, and answers how git sees each. Where git itself would find no work tree it is not asked. */
async function askGit(folder: string, names: readonly string[], call: Pick<Call, 'signal' | 'deadline'>): Promise<(name: string) => GitState> {
  if (!belowGit(folder)) return () => 'outside'
  const ask = async (words: readonly string[], input?: string): Promise<{ exit: number; said: string } | undefined> => {
    const stdin = input === undefined ? {} : { stdin: new Secret(input) }
    const argv = ['git', '-C', folder, ...words]
    const ran = await runChild({ argv, cwd: '/', env: { GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }, ...stdin }, call)
    return ran.is === 'done' ? { exit: ran.value.exit, said: ran.value.stdout } : undefined
  }
  // A name that looks like an option or a pattern stays a name.
  const files = names.map((name) => `./${name}`)
  const [listed, ignored] = await Promise.all([
    ask(['--literal-pathspecs', 'ls-files', '--cached', '-z', '--', ...files]),
    ask(['check-ignore', '-z', '--stdin'], files.join('\0')),
  ])
  if (listed?.exit !== 0) {
    // Only in a work tree it lists anything; git says whether this is one, and fails where it refuses to look.
    const inside = await ask(['rev-parse', '--is-inside-work-tree'])
    return () => (inside?.exit === 0 && inside.said.trim() !== 'true' ? 'outside' : 'unknown')
  }
  const tracked = new Set(listed.said.split('\0'))
  // 0: some are ignored, 1: none is.
  const hidden = ignored?.exit === 0 || ignored?.exit === 1 ? new Set(ignored.said.split('\0')) : undefined
  return (name) => {
    if (tracked.has(name)) return 'tracked'
    if (hidden === undefined) return 'unknown'
    return hidden.has(`./${name}`) ? 'ignored' : 'exposed'
  }
}

/** git looks for `.git` (a folder, or a file that leads to one) from here up; no other way is open to it, for it gets no GIT_DIR. */
function belowGit(folder: string): boolean {
  if (existsSync(join(folder, '.git'))) return true
  return dirname(folder) !== folder && belowGit(dirname(folder))
}
