import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import neo4j, { type Driver } from 'neo4j-driver'
import { until } from '../../../demo/until.ts'
import { debianProgram } from '../parts/debian.ts'
import { mavenJars } from './jars.ts'
import { freePort } from '../../../src/testing/port.ts'

/** Neo4j Community, of the artifact that has its entry point: org.neo4j.app:neo4j-server has none. */
export const neo4jJars = mavenJars({ title: 'Neo4j 5.26.30', group: 'org.neo4j', artifact: 'neo4j', version: '5.26.30' })
const java = debianProgram('java', 'openjdk-17-jre-headless')

/** A server with a folder of its own. */
export interface Neo4j {
  readonly port: number
  /** As messages name it: `Neo4j 5.26.30`. */
  readonly version: string
  readonly admin: { readonly user: string; readonly password: string }
  /** One statement of the admin; in the database `system` unless told otherwise. */
  ask(statement: string, parameters?: Readonly<Record<string, unknown>>, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Everything that it keeps, data and logs, as latin1 text. */
  kept(): string
  /** Sends a signal to it, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void
  /** Ends it and removes its folder. May be repeated. */
  stop(): Promise<void>
}

/** So many connections are served at once: enough for the load, and few enough for a test to use them up. */
export const THREADS = 64

/** Starts one on a free port of loopback. */
export async function startNeo4j(): Promise<Neo4j> {
  const [jars, program] = [await neo4jJars.bring(), await java.bring()]
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-neo4j-'))
  const port = await freePort()
  const admin = { user: 'neo4j', password: 'admin-of-the-test' }
  mkdirSync(join(folder, 'conf'))
  writeFileSync(join(folder, 'conf/neo4j.conf'), [
    `server.bolt.listen_address=127.0.0.1:${port}`, `server.bolt.advertised_address=127.0.0.1:${port}`, `server.bolt.thread_pool_max_size=${THREADS}`,
    'server.http.enabled=false', 'server.https.enabled=false', 'dbms.usage_report.enabled=false', 'server.memory.pagecache.size=32m',
    'db.logs.query.enabled=VERBOSE', '',
  ].join('\n'))
  const server = spawn(program, [
    // A short life: it starts twice as fast when little is compiled.
    '-Xmx400m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*'), 'org.neo4j.server.CommunityEntryPoint', `--home-dir=${folder}`, `--config-dir=${join(folder, 'conf')}`,
  ], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  const exited = once(server, 'exit')
  const driverAs = (password: string): Driver => neo4j.driver(`bolt://127.0.0.1:${port}`, neo4j.auth.basic(admin.user, password), { disableLosslessIntegers: true, userAgent: 'keyturn/test' })
  const askBy = async (driver: Driver, statement: string, parameters: object = {}, database = 'system'): ReturnType<Neo4j['ask']> => {
    const { records } = await driver.executeQuery(statement, parameters, { database })
    return records.map((record) => record.toObject())
  }
  const driver = driverAs(admin.password)
  const stop = async (): Promise<void> => {
    await driver.close().catch(() => undefined)
    end(server, 'SIGCONT')
    end(server, 'SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('Neo4j is up', 120_000, async () => {
      if (server.exitCode !== null) throw new Error(`Neo4j ended at once: ${said.slice(-500)}`)
      const fresh = driverAs('neo4j')
      // The first password has to be changed before anything else; until the server is up, nothing answers.
      return askBy(fresh, 'ALTER CURRENT USER SET PASSWORD FROM $from TO $to', { from: 'neo4j', to: admin.password })
        .then(() => true, () => undefined).finally(() => fresh.close())
    })
    const [kernel] = await askBy(driver, 'CALL dbms.components() YIELD versions')
    return {
      port, admin, stop,
      version: `Neo4j ${String([kernel?.['versions']].flat()[0])}`,
      ask: (...asked) => askBy(driver, ...asked),
      kept: () => filesOf(folder).map((file) => readFileSync(file, 'latin1')).join('\n'),
      signal: (name) => end(server, name),
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

function end(server: ChildProcess, name: NodeJS.Signals): void {
  if (server.exitCode === null && server.signalCode === null) server.kill(name)
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
}

