import { config } from 'dotenv'
import { inFiles } from './folder.ts'
import { proveReader } from './proof.ts'

/** As `import 'dotenv/config'` does, into an environment that is empty. */
function read(path: string): ReadonlyMap<string, string> {
  const environment: Record<string, string> = {}
  config({ path, processEnv: environment, quiet: true })
  return new Map(Object.entries(environment))
}

proveReader('node', { 'dotenv (npm)': (texts) => inFiles(texts, async (paths) => paths.map(read)) })
