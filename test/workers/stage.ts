import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject } from 'vitest'
import { stringify } from 'yaml'
import { login } from '../../demo/database.ts'
import { registry } from '../../src/connectors.gen.ts'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { openRotation, planSecret } from '../../src/engine/rotate.ts'
import { loadManifest } from '../../src/yaml/load.ts'
import type { Manifest } from '../../src/manifest/model.ts'
import { withEngine } from '../../src/operations/follow.ts'
import type { Runtime } from '../../src/runtime.ts'
import { readingState } from '../../src/runtime.ts'
import { verifyState } from '../../src/proof/audit.ts'
import type { State } from '../../src/state/open.ts'
import { listRotations, type RotationRow } from '../../src/state/rotation.ts'
import { packageAt } from '../servers/package.ts'
import { queryAt, ready, until } from '../servers/postgres.ts'
import { makeRole, type TestRole } from '../servers/role.ts'
import { type Running, startKeyturn } from '../worlds/keyturn.ts'
import { startAttestor } from './attestor.ts'

export interface StageOptions {
  /** Where the state lies: a URL, or a folder. */
  readonly state: string
  /** So many secrets, each a role of its own. */
  readonly secrets: number
  readonly grace?: string
  /** How long the consumer of each takes for its reload, ms; none when absent. */
  readonly reload?: number
}

/** Secrets whose rotations are open and not begun, and the command line beside them. */
export interface Stage {
  readonly folder: string
  /** The names of the secrets. */
  readonly secrets: readonly string[]
  /** Starts `keyturn WORDS` as the package ships it. */
  start(words: readonly string[], env?: Readonly<Record<string, string>>, before?: readonly string[]): Running
  inState<T>(body: (state: State) => Promise<T>): Promise<T>
  rows(): Promise<readonly RotationRow[]>
  /** Waits until all are closed. */
  allClosed(within?: number): Promise<void>
  /** Every rotation is done, no step of it was done twice or left out, its journal verifies, and the store holds what logs in. */
  prove(): Promise<void>
  close(): Promise<void>
}

const LEASE_MS = 1_000

/** Opens one rotation of each secret in this process; nothing of it is done yet. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-workers-'))
  const { launcher, compiled } = await packageAt(inject('packageFolder'))
  const adminUrl = await ready(inject('postgresUrl'))
  const attestor = await startAttestor(folder)
  const roles = await Promise.all(Array.from({ length: options.secrets }, () => makeRole(adminUrl, { prefix: 'worker' })))
  const env = {
    PG_ADMIN_URL: adminUrl, KEYTURN_STATE: options.state, KEYTURN_IDENTITY: join(folder, 'identity'), XDG_STATE_HOME: join(folder, 'host'), KEYTURN_DEBUG: '1',
    KEYTURN_LEASE_MS: String(LEASE_MS), NODE_COMPILE_CACHE: compiled,
  }
  for (const [index, role] of roles.entries()) await writeFile(join(folder, `${index}.env`), `DSN=${role.url()}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'keyturn.yaml'), stringify(manifestFor(roles, attestor.url, options)))
  const manifest = await loadManifest(join(folder, 'keyturn.yaml'), { registry })
  const runtime: Runtime = { env, interrupt: new AbortController().signal, conceal: () => undefined }
  await openAll(runtime, manifest)
  const inState = <T>(body: (state: State) => Promise<T>): Promise<T> => readingState(runtime, manifest, body)
  const rows = (): Promise<readonly RotationRow[]> => inState((state) => listRotations(state.db))
  return {
    folder, rows, inState,
    secrets: Object.keys(manifest.secrets),
    start: (words, more = {}, before = []) => startKeyturn(words, { launcher, cwd: folder, env: { ...env, ...more }, before }),
    allClosed: (within = 60_000) => until(() => rows().then((all) => all.every((row) => row.result !== null), () => false), 'not all rotations are closed', within),
    prove: () => inState((state) => proveAll(state, folder, roles)),
    async close() {
      await attestor.stop()
      for (const { admin, name } of roles) await admin(`drop owned by "${name}"; drop role if exists "${name}_alt"; drop role "${name}"`)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function manifestFor(roles: readonly TestRole[], attestorUrl: string, { grace = '0s', reload }: StageOptions): object {
  const secrets = roles.map((role, index): [string, object] => [`s${index}`, {
    issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: role.name, strategy: 'alternate' },
    grace, quiet: '50ms', undo: '0s', deadline: '3s',
    stores: [{ use: 'dotenv', file: `${index}.env`, bind: { DSN: { url: { user: 'user', password: 'password' } } } }],
    ...(reload === undefined ? {} : { consumers: [{ use: 'command', run: ['sleep', String(reload / 1_000)], services: [`web-${index}`], attest: { use: 'http', challenge: `${attestorUrl}/${index}` } }] }),
  }])
  return { version: 1, system: 'workers', environment: 'staging', state: '${env:KEYTURN_STATE}', secrets: Object.fromEntries(secrets) }
}

async function openAll(runtime: Runtime, manifest: Manifest): Promise<void> {
  await withEngine(runtime, manifest, {}, async (engine) => {
    const { identity } = engine.state
    for (const secret of Object.keys(manifest.secrets)) {
      await openRotation(engine, await planSecret(engine, manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) }), { reason: 'a test' })
    }
  })
}

async function proveAll(state: State, folder: string, roles: readonly TestRole[]): Promise<void> {
  const rows = await listRotations(state.db)
  expect(rows).toHaveLength(roles.length)
  for (const row of rows) {
    const { events } = await readEvents({ state }, row.id)
    const { plan, closed } = foldProgress(events)
    expect(closed).toMatchObject({ result: 'done' })
    expect(brokenInvariants(events)).toEqual([])
    const done = events.flatMap((event) => (event.type === 'step-done' ? [event.step] : []))
    // A gate that was opened too long ago is evaluated again; nothing else is done twice, and nothing is left out.
    expect(done.filter((step, at) => !step.startsWith('gate:') || done.indexOf(step) === at)).toEqual(plan.steps.map((step) => step.id))
  }
  expect((await verifyState(state)).problems).toEqual([])
  for (const [index, role] of roles.entries()) {
    const dsn = (await readFile(join(folder, `${index}.env`), 'utf8')).trim().slice('DSN='.length)
    expect(await login(dsn), 'what the store holds').toBe('accepted')
    expect(new URL(dsn).username).toBe(`${role.name}_alt`)
    expect(await login(role.url()), 'what it held before').not.toBe('accepted')
  }
}

/** A fresh schema in a server, for a state; it is not made yet. */
export function stateUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.searchParams.set('options', `-c search_path=${name}`)
  return url.href
}

/** Takes a state and its jobs away. */
export async function dropState(serverUrl: string, name: string): Promise<void> {
  await queryAt(serverUrl, `drop schema if exists ${name} cascade; drop schema if exists ${name}_jobs cascade`)
}
