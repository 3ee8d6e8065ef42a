import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { shipPackage } from '../../scripts/build/ship.ts'
import { until } from './postgres.ts'

/** The package as its users have it, in a folder of this run. */
export interface Package {
  /** What `keyturn` starts. */
  readonly launcher: string
  /** `keyturn/kit`, as a URL: what a process that runs the launcher imports from here are the launcher's own classes. */
  readonly kit: string
  /** Where Node keeps what it compiled, for all runs of all tests: their NODE_COMPILE_CACHE. */
  readonly compiled: string
}

const places = (folder: string): Package => ({
  launcher: join(folder, 'package/bin/keyturn.js'),
  kit: pathToFileURL(join(folder, 'package/dist/kit/index.js')).href,
  compiled: join(folder, 'compiled'),
})

/** Builds it. It appears at once when it is complete. */
export async function makePackage(folder: string): Promise<void> {
  await mkdir(places(folder).compiled)
  await shipPackage(join(folder, 'new'))
  await rename(join(folder, 'new'), join(folder, 'package'))
}

/** Waits until the package of this run (see setup.ts), whose folder was injected, is there. */
export async function packageAt(folder: string): Promise<Package> {
  await until(() => existsSync(places(folder).launcher), 'the package was not built')
  return places(folder)
}
