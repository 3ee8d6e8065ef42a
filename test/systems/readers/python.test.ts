import type { Part } from '../parts/part.ts'
import { runProgram } from '../parts/program.ts'
import { inFiles } from './folder.ts'
import { proveReader, type RealReader } from './proof.ts'
import { pythonDotenv } from './system.ts'

/** Each file into an environment that is empty. */
const SCRIPT = `
import json, os, sys
from dotenv import load_dotenv
seen = []
for path in json.load(sys.stdin):
    os.environ.clear()
    try:
        load_dotenv(path)
        seen.append(dict(os.environ))
    except ValueError: # a key that no environment takes: whoever loads the file ends here
        seen.append(None)
json.dump(seen, sys.stdout)
`

const reads = async (part: Part): Promise<readonly [string, RealReader]> => {
  const python = await part.bring()
  const env = { PATH: process.env['PATH'], PYTHONUTF8: '1' }
  return [part.title, (texts) => inFiles(texts, async (paths) => {
    const { code, out, err } = await runProgram(python, ['-c', SCRIPT], { env, input: JSON.stringify(paths) })
    if (code !== 0) throw new Error(err)
    return (JSON.parse(out) as (Record<string, string> | null)[]).map((each) => (each === null ? undefined : new Map(Object.entries(each))))
  })]
}

proveReader('python', Object.fromEntries(await Promise.all(pythonDotenv.map(reads))))
