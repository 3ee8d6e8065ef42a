import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { stringify } from 'yaml'
import { randomPassword } from '../demo/database.ts'
import { registry } from '../src/connectors.gen.ts'
import { openRotation, planSecret } from '../src/engine/rotate.ts'
import { loadManifest } from '../src/yaml/load.ts'
import { withEngine } from '../src/operations/follow.ts'
import { readingState, type Runtime } from '../src/runtime.ts'
import type { State } from '../src/state/open.ts'
import { listRotations, type RotationRow } from '../src/state/rotation.ts'
import { startAttestor } from '../test/workers/attestor.ts'
import { queryAt } from '../test/servers/postgres.ts'
import { buildPackage } from './package.ts'

/** Many secrets, each a PostgreSQL role of its own with a store and a service, on a state in the same server. */
export interface Fleet {
  /** Opens a rotation of so many of them, to begin when {@link Fleet.release} says so; services take `reload` ms to restart. */
  open(count: number, reload: number): Promise<void>
  /** From now on all that were opened are due. */
  release(): Promise<void>
  /** Starts `keyturn run`, with one rotation at a time unless told otherwise. */
  worker(options?: { readonly atOnce?: number; readonly env?: Readonly<Record<string, string>> }): Worker
  /** The rotations that were opened last. */
  rows(): Promise<readonly RotationRow[]>
  inState<T>(body: (state: State) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

/** One process of `keyturn run`. */
export interface Worker {
  readonly child: ChildProcess
  /** What it has written to standard error. */
  said(): string
  /** Ends it after the step at hand. */
  stop(): Promise<void>
}

/** Sets it at this server, in this folder. */
export async function setFleet(folder: string, adminUrl: string, size: number): Promise<Fleet> {
  const launcher = await buildPackage(folder)
  const name = `fleet_${randomPassword().slice(0, 10).toLowerCase()}`
  const system = join(folder, 'system')
  await mkdir(system)
  const attestor = await startAttestor(system)
  const stateUrl = new URL(adminUrl)
  stateUrl.searchParams.set('options', `-c search_path=${name}`)
  const env = { PATH: process.env['PATH'], HOME: folder, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_STATE_URL: stateUrl.href, PG_ADMIN_URL: adminUrl, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const runtime: Runtime = { env, interrupt: new AbortController().signal, conceal: () => undefined }
  await makeRoles(adminUrl, name, size, system)
  const manifestFile = async (reload: number): Promise<string> => {
    const file = join(system, `keyturn-${reload}.yaml`)
    await writeFile(file, manifestText(name, size, reload, attestor.url))
    return file
  }
  let manifest = await loadManifest(await manifestFile(0), { registry })
  let opened: ReadonlySet<string> = new Set()
  const workers = new Set<Worker>()
  const inState = <T>(body: (state: State) => Promise<T>): Promise<T> => readingState(runtime, manifest, body)
  return {
    inState,
    async open(count, reload) {
      manifest = await loadManifest(await manifestFile(reload), { registry })
      const secrets = Object.keys(manifest.secrets).slice(0, count)
      opened = await withEngine(runtime, manifest, {}, async (engine) => {
        const ids = new Set<string>()
        const next = secrets.values()
        const { identity } = engine.state
        // Nobody is there yet who would begin them.
        await Promise.all(Array.from({ length: 8 }, async () => {
          for (const secret of next) {
            const plan = await planSecret(engine, manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) })
            ids.add(await openRotation(engine, plan, { reason: 'bench' }))
          }
        }))
        await engine.state.db.updateTable('rotation').set({ due_at: null }).where('result', 'is', null).execute()
        return ids
      })
    },
    release: () => inState(async ({ db }) => void (await db.updateTable('rotation').set({ due_at: Date.now() }).where('result', 'is', null).execute())),
    worker(options = {}) {
      const child = spawn(process.execPath, [launcher, 'run', '--json', '--manifest', manifest.file, '--concurrency', String(options.atOnce ?? 1)], { cwd: system, env: { ...env, ...options.env }, stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
      const closed = once(child, 'close')
      const worker: Worker = {
        child,
        said: () => said,
        async stop() {
          workers.delete(worker)
          if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
          await closed
        },
      }
      workers.add(worker)
      return worker
    },
    rows: () => inState(async ({ db }) => (await listRotations(db)).filter((row) => opened.has(row.id))),
    async stop() {
      await Promise.all([...workers].map((worker) => worker.stop()))
      await attestor.stop()
      await queryAt(adminUrl, `drop schema if exists ${name} cascade; drop schema if exists ${name}_jobs cascade`)
      const roles = await queryAt<{ name: string }>(adminUrl, `select rolname as name from pg_roles where starts_with(rolname, $1)`, [name])
      await queryAt(adminUrl, roles.map((role) => `drop role "${role.name}"`).join('; '))
    },
  }
}

async function makeRoles(adminUrl: string, name: string, size: number, folder: string): Promise<void> {
  const roles = Array.from({ length: size }, (_, index) => ({ role: `${name}_${index}`, password: randomPassword() }))
  await queryAt(adminUrl, roles.map(({ role, password }) => `create role ${role} login password '${password}'`).join('; '))
  const { host, pathname } = new URL(adminUrl)
  await Promise.all(roles.map(({ role, password }, index) => writeFile(join(folder, `${index}.env`), `DSN=postgres://${role}:${password}@${host}${pathname}\n`, { mode: 0o600 })))
}

/** Nothing is waited for; every proof is there: preflight, probes, attestation, gate, the old one refused. */
function manifestText(name: string, size: number, reload: number, attestorUrl: string): string {
  const secrets = Array.from({ length: size }, (_, index): [string, object] => [`s${index}`, {
    issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: `${name}_${index}`, strategy: 'alternate' },
    grace: '0s', quiet: '0s', undo: '0s', deadline: '30s',
    stores: [{ use: 'dotenv', file: `${index}.env`, bind: { DSN: { url: { user: 'user', password: 'password' } } } }],
    consumers: [{ use: 'command', run: ['sleep', String(reload / 1_000)], services: [`web-${index}`], attest: { use: 'http', challenge: `${attestorUrl}/${index}` } }],
  }])
  return stringify({ version: 1, system: 'bench', environment: 'development', state: '${env:KEYTURN_STATE_URL}', secrets: Object.fromEntries(secrets) })
}

/**
 * Waits until all that were opened are closed; throws when one ended otherwise than well, or a worker is gone. Over one connection,
 * and only what is not done is asked for: whoever watches shares the processors with the workers.
 */
export async function allDone(fleet: Fleet, workers: readonly Worker[]): Promise<readonly RotationRow[]> {
  await fleet.inState(async ({ db }) => {
    const query = db.selectFrom('rotation').select(['id', 'result']).where((eb) => eb.or([eb('result', 'is', null), eb('result', '!=', 'done')])).orderBy('result', (order) => order.asc().nullsLast()).limit(1)
    for (;;) {
      const row = await query.executeTakeFirst()
      if (row === undefined) return
      if (row.result !== null) throw new Error(`${row.id} ended otherwise: ${row.result}`)
      if (workers.every(({ child }) => child.exitCode !== null || child.signalCode !== null)) throw new Error(`all workers have ended: ${workers.map((worker) => worker.said()).join('').slice(0, 500)}`)
      await pause(500)
    }
  })
  return fleet.rows()
}

/** What processors and processes have worked since it was begun. */
export interface CpuMeter {
  /** The busy share of all processors of the machine, 0 to 1; others' work counts, too. */
  machine(): number
  /** Seconds that these processes have worked, their ended children included. */
  processes(): Promise<number>
}

/** Begins to measure. Linux only: elsewhere `processes` is NaN. */
export async function startMeter(pids: readonly number[]): Promise<CpuMeter> {
  const sum = (): { busy: number; all: number } => {
    const times = cpus().map(({ times: each }) => each)
    const all = times.reduce((total, each) => total + each.user + each.nice + each.sys + each.idle + each.irq, 0)
    return { busy: all - times.reduce((total, each) => total + each.idle, 0), all }
  }
  const worked = async (): Promise<number> => (await Promise.all(pids.map(secondsOf))).reduce((total, each) => total + each, 0)
  const [before, begun] = [sum(), await worked()]
  return {
    machine: () => {
      const after = sum()
      return (after.busy - before.busy) / Math.max(1, after.all - before.all)
    },
    processes: async () => (await worked()) - begun,
  }
}

/** proc_pid_stat(5): utime, stime, cutime and cstime, in ticks of which there are 100 a second. */
async function secondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [11, 12, 13, 14].reduce((total, index) => total + Number(fields[index]), 0) / 100
}
