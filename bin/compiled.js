import { mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Has Node keep what it compiles, which is a third of the start: in NODE_COMPILE_CACHE where that is set, else below the own
 * XDG_CACHE_HOME or ~/.cache. Never where Node itself would, in the folder for temporary files: what lies there is run without a
 * look at its source, and whoever made that folder first could put code into it. Without a place that is ours alone nothing is kept.
 */
export function keepCompiled(env) {
  if (env.NODE_COMPILE_CACHE) {
    enableCompileCache()
    return
  }
  try {
    const base = env.XDG_CACHE_HOME || join(homedir(), '.cache')
    const folder = join(base, 'keyturn', 'compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // The folders above, too: who owns one of them can put another in the place of those below. `sudo` may keep the home of another.
    const ours = [folder, join(base, 'keyturn'), base].every((each) => isOurs(statSync(each)))
    if (ours) enableCompileCache(folder)
  } catch (thrown) {
    // A read-only home, perhaps: the start takes longer, that is all.
    if (thrown.code === undefined) throw thrown
  }
}

function isOurs({ uid, mode }) {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
}
