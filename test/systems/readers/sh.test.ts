import type { Part } from '../parts/part.ts'
import { runProgram } from '../parts/program.ts'
import { inFiles } from './folder.ts'
import { proveReader, type RealReader } from './proof.ts'
import { shells } from './system.ts'

/**
 * Has the shell that is named first read each of the files as somebody would who starts it for that, and ends each with an entry `=`.
 * A file that a shell cannot read ends it, or leaves it with a part of the file: nothing says which.
 */
const SCRIPT = `
shell=$1
shift
for each in "$@"; do
  $shell -c 'set -a; . "$0" >/dev/null 2>&1; exec /usr/bin/env -0' "$each"
  printf '=\\0'
done`

async function readWith(shell: string, paths: readonly string[], folder: string): Promise<readonly ReadonlyMap<string, string>[]> {
  const { out } = await runProgram('/bin/sh', ['-c', SCRIPT, 'sh', shell, ...paths], { cwd: folder, env: {} })
  const readings = [new Map<string, string>()]
  for (const entry of out.split('\0')) {
    const at = entry.indexOf('=')
    if (entry === '=') readings.push(new Map())
    else if (at > 0) readings.at(-1)?.set(entry.slice(0, at), entry.slice(at + 1))
  }
  return readings.slice(0, -1)
}

const reads = async ([name, part]: readonly [string, Part]): Promise<readonly [string, RealReader]> => {
  const program = await part.bring()
  const shell = name === 'busybox' ? `${program} sh` : program
  return [name, (texts) => inFiles(['', ...texts], async (paths, folder) => {
    const [own = new Map<string, string>(), ...readings] = await readWith(shell, paths, folder)
    // What a shell sets by itself it has set for the empty file, too.
    return readings.map((each) => new Map([...each].filter(([key]) => !own.has(key))))
  })]
}

proveReader('sh', Object.fromEntries(await Promise.all(Object.entries(shells).map(reads))), { refuses: false })
