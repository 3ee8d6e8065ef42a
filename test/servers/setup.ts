import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { makePackage } from './package.ts'
import { adminUrl, findPlace, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Admin URL of the shared PostgreSQL; it may still be starting: `await ready(inject('postgresUrl'))`. */
    readonly postgresUrl: string
    /** Folder of the package that is tested; it may still be built: `await packageAt(inject('packageFolder'))`. */
    readonly packageFolder: string
  }
}

/**
 * One PostgreSQL and one build of the package for the whole run. Both begin in the background, so tests that need neither do not
 * wait for them. Test files make their own databases and roles in the server, with names of their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const place = await findPlace()
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-package-'))
  const starting = startPostgres({ place, config: { max_connections: '300' } })
  const building = makePackage(folder)
  for (const each of [starting, building]) each.catch((thrown: unknown) => console.error(thrown))
  project.provide('postgresUrl', adminUrl(place))
  project.provide('packageFolder', folder)
  return async () => {
    const [server] = await Promise.allSettled([starting, building])
    await rm(folder, { recursive: true, force: true })
    if (server.status === 'fulfilled') await server.value.stop()
  }
}
