import type { TestProject } from 'vitest/node'
import { adminUrl, findPlace, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Admin URL of the shared PostgreSQL; it may still be starting: `await ready(inject('postgresUrl'))`. */
    readonly postgresUrl: string
  }
}

/**
 * One PostgreSQL for the whole run. It starts in the background, so tests without a database do not wait for it. Test files
 * make their own databases and roles in it, with names of their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const place = await findPlace()
  const starting = startPostgres({ place, config: { max_connections: '300' } })
  starting.catch((thrown: unknown) => console.error(thrown))
  project.provide('postgresUrl', adminUrl(place))
  return async () => {
    const server = await starting
    await server.stop()
  }
}
