import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { shipPackage } from '../scripts/build/ship.ts'

/** Builds the package into the folder, as it is published, with the dependencies of this checkout. Answers the path of its launcher. */
export function buildPackage(folder: string): Promise<string> {
  return shipPackage(join(folder, 'package'))
}

/** Runs a Node program to its end; throws when it ends with another code than 0. Its stdout goes nowhere. */
export async function runNode(args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<void> {
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`node ${args[0] ?? ''} ended with ${child.exitCode ?? child.signalCode}: ${said.slice(0, 500)}`)
}
