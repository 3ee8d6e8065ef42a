import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds the package into the folder, as it is published, with the dependencies of this checkout. Answers the path of its launcher. */
export async function buildPackage(folder: string): Promise<string> {
  const target = join(folder, 'package')
  await mkdir(target)
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json'), '--outDir', join(target, 'dist'), '--noCheck'])
  for (const each of ['bin', 'package.json']) await cp(join(root, each), join(target, each), { recursive: true })
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'))
  return join(target, 'bin', 'keyturn.js')
}

/** Runs a Node program to its end; throws when it ends with another code than 0. Its stdout goes nowhere. */
export async function runNode(args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<void> {
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`node ${args[0] ?? ''} ended with ${child.exitCode ?? child.signalCode}: ${said.slice(0, 500)}`)
}
