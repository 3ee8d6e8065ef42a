import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBundle } from './bundle.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Makes the package in a folder of its own, as it is published but for docs and types, with the dependencies of this checkout.
 * Answers the path of its launcher. For tests and benchmarks, which run what users run.
 */
export async function shipPackage(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeBundle(join(folder, 'dist'))
  for (const each of ['bin', 'package.json']) await cp(join(root, each), join(folder, each), { recursive: true })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'bin', 'keyturn.js')
}
