import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { createDatabase, randomPassword, type Database } from './database.ts'
import { startInstance, type ServiceInstance } from './instance.ts'
import { manifestFor, showPace, type Pace } from './manifest.ts'
import { startServer } from './server.ts'

export interface SceneryOptions {
  /** A superuser's URL of a server that runs already; without it a server is started, and ended by the teardown. */
  readonly adminUrl?: string
  /** The name of role and database; must be new on the server. Every role that begins with it is dropped in the end. */
  readonly name?: string
  /** How many instances of the service, two unless told; with 0 the manifest has neither consumers nor checks. */
  readonly instances?: number
  readonly pace?: Pace
}

/** A stage on which a rotation can be played: a database, a service that uses it, a manifest for both. */
export interface Scenery {
  /** The manifest's folder; holds `keyturn.yaml`, `.env` and what keyturn keeps. */
  readonly folder: string
  readonly manifest: string
  readonly envFile: string
  readonly database: Database
  readonly instances: readonly ServiceInstance[]
  /** What keyturn is run with beside the usual environment: the admin's login and the place of its identity. */
  readonly environment: Readonly<Record<string, string>>
  /** The DSN that is in the env file now. */
  dsn(): Promise<string>
  /** Ends and removes all of it, also what keyturn made. May be repeated. */
  teardown(): Promise<void>
}

/** Sets the stage. What was set before a failure is taken away again. */
export async function setScenery(options: SceneryOptions = {}): Promise<Scenery> {
  const { name = 'atlas', instances: count = 2, pace = showPace } = options
  const undo: (() => Promise<unknown>)[] = []
  let torn: Promise<void> | undefined
  const teardown = (): Promise<void> => (torn ??= tearDown(undo))

  try {
    const root = await mkdtemp(join(tmpdir(), 'keyturn-stage-'))
    undo.push(() => rm(root, { recursive: true, force: true }))
    const folder = join(root, 'app')
    const keys = join(root, 'keys')
    const run = join(root, 'run')
    for (const each of [folder, keys, run]) await mkdir(each, { mode: 0o700 })

    const adminUrl = options.adminUrl ?? await ownServer(undo)
    const password = randomPassword()
    const database = await createDatabase(adminUrl, name, password)
    undo.push(() => database.drop())

    const envFile = join(folder, '.env')
    await writeFile(envFile, envText(database.dsn(name, password)), { mode: 0o600 })
    const instances: ServiceInstance[] = []
    for (let n = 1; n <= count; n += 1) {
      const instance = await startInstance(`atlas-${n}`, run, envFile)
      undo.push(() => instance.stop())
      instances.push(instance)
    }
    const manifest = join(folder, 'keyturn.yaml')
    await writeFile(manifest, manifestFor(name, instances, pace))

    return {
      folder,
      manifest,
      envFile,
      database,
      instances,
      environment: { PG_ADMIN_URL: adminUrl, KEYTURN_IDENTITY: join(keys, 'identity') },
      async dsn() {
        return parseEnv(await readFile(envFile, 'utf8'))['APP_DATABASE_URL'] ?? ''
      },
      teardown,
    }
  } catch (error) {
    await teardown()
    throw error
  }
}

async function ownServer(undo: (() => Promise<unknown>)[]): Promise<string> {
  const server = await startServer()
  undo.push(() => server.stop())
  return server.adminUrl
}

/** As people write them: with comments and other keys, all of which have to survive. */
function envText(dsn: string): string {
  return `# atlas: settings of the service
LOG_LEVEL=info

# the database; keyturn rotates it
APP_DATABASE_URL=${dsn}

FEATURE_MAPS="on"   # do not touch
`
}

/** In the reverse order. One failure does not keep the rest from being taken away. */
async function tearDown(undo: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of undo.toReversed()) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the stage was not taken away completely')
}
