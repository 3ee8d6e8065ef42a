import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { registry as shipped } from '../../src/connectors.gen.ts'
import { drive, type Stopped } from '../../src/engine/drive.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { foldProgress, type Progress } from '../../src/journal/progress.ts'
import { receiptFile } from '../../src/proof/receipts.ts'
import { type Receipt, type SignedReceipt, verifyReceipt } from '../../src/proof/receipt.ts'
import { readEvents } from '../../src/journal/read.ts'
import { type Point, type Rehearsal } from '../../src/engine/rehearsal.ts'
import { request } from '../../src/operations/request.ts'
import { takeBack } from '../../src/operations/rollback.ts'
import { findRotation } from '../../src/state/rotation.ts'
import { openRotation, type Opening, planSecret } from '../../src/engine/rotate.ts'
import { type Registry, Secret } from '../../src/kit/index.ts'
import { referenceConfig, type ReferenceIssuer, type ReferenceTraits, startReferenceIssuer } from '../../src/testing/index.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import type { Manifest } from '../../src/manifest/model.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { type FreshState, freshState } from '../fixture/state.ts'
import { KEY, type Service, serviceConnector, startService, tokenIn } from './service.ts'
import { soundEvents } from '../fixture/sound.ts'

/** The name of the only secret. */
export const SECRET = 'mail'

export interface StageOptions {
  readonly strategy?: 'in-place' | 'hard-cut'
  /** Beside `issuer`, `stores` and `consumers` of the secret. */
  readonly secret?: Readonly<Record<string, unknown>>
  /** Changes the block under `issuer:`. */
  readonly issuer?: (config: Record<string, unknown>) => Record<string, unknown>
  readonly consumers?: readonly string[]
  /** Opens its state in this folder; one in SQLite when absent. */
  readonly state?: (root: string) => Promise<FreshState>
}

/** What a test throws at a point of a step in place of SIGKILL. */
class Killed extends Error {}

/** A reference issuer, an env file, services and an engine in this process, on a clock that only moves by sleeping. */
export interface Stage {
  readonly server: ReferenceIssuer
  readonly engine: Engine
  readonly manifest: Manifest
  readonly services: Readonly<Record<string, Service>>
  /** The engine's clock, which a test may set, and by how much it is ahead of the issuer's, ms. */
  readonly clock: { now: number; ahead: number }
  /** The value in the env file. */
  stored(): string
  /** Puts another value there, as if it had always been in use. */
  put(token: string): void
  plan(): Promise<Plan>
  /** The id of the rotation that the rest is about: the one that was opened last. */
  rotation(): string
  /** Another rotation is what the rest is about from now on. */
  turnTo(id: string): void
  /** Opens a rotation. */
  open(opening?: Partial<Opening>): Promise<string>
  /** Opens one that takes back the one that was opened last, or another one. */
  takeBack(which?: string): Promise<string>
  /** Drives it once. */
  once(): Promise<Stopped>
  /** Drives it through waits and gates until it is closed or needs a person; a gate that stays closed for long is an answer too. */
  on(): Promise<Stopped>
  /** Drives it through waits until it dies at this point. */
  dieAt(step: string, point: Point): Promise<void>
  /** The same; answers false when it stops before. */
  diesAt(step: string, point: Point): Promise<boolean>
  /** What happens to the answer of this step's effect in the next runs, once. */
  rehearse(step: string, fault: 'lose' | 'refuse'): void
  /** Asks to go back. */
  turn(why: 'abort' | 'undo'): Promise<void>
  /** The journal; throws when an invariant does not hold over it. */
  events(): Promise<readonly TimedEvent[]>
  progress(): Promise<Progress>
  /** The receipt, verified; undefined when there is none. */
  receipt(): Receipt | undefined
  /** What a rotation left is ended by the provider, in its own time: now. */
  forgetLeft(): void
}

/** How often a gate may be held before it counts as closed. */
const GATES = 40

/** Sets one for this test. */
export async function setStage(traits: ReferenceTraits, options: StageOptions = {}): Promise<Stage> {
  const clock = { now: Date.now(), ahead: 0 }
  const server = await startReferenceIssuer(traits, () => clock.now - clock.ahead)
  onTestFinished(() => server.close())
  const root = quickFolder()
  const app = join(root, 'app')
  mkdirSync(app, { mode: 0o700 })
  const envFile = join(app, '.env')
  const current = server.make()
  writeFileSync(envFile, `# of the app\n${KEY}=${current.fields['token']?.reveal() ?? ''}\n`, { mode: 0o600 })
  const services = Object.fromEntries((options.consumers ?? ['app']).map((name) => [name, startService(envFile)]))
  const registry: Registry = { ...shipped, service: serviceConnector(services, envFile) }
  const manifest = await parseManifest(stringify(manifestOf(server, traits, options)), join(app, 'keyturn.yaml'), { registry })
  const state = await (options.state ?? freshState)(root)
  let killAt = ''
  const faults = new Map<string, 'lose' | 'refuse'>()
  const rehearsal: Rehearsal = {
    at: (step, point) => {
      if (killAt === `${step}/${point}`) throw new Killed(killAt)
    },
    answer: (step) => {
      const fault = faults.get(step)
      faults.delete(step)
      return fault
    },
  }
  const resolve = async (text: string): Promise<Secret> => new Secret(text.replaceAll(/\$\{env:(\w+)\}/g, (_, name: string) => new Map(Object.entries(server.env)).get(name) ?? ''))
  const engine: Engine = {
    state, registry, rehearsal, now: () => clock.now,
    host: (base) => ({ base, now: () => clock.now, resolve, conceal: () => undefined }),
    sleep: async (ms, signal) => {
      await setImmediate()
      if (!signal.aborted) clock.now += Math.max(0, Math.ceil(ms))
    },
    owner: 'here', isDead: () => false, by: 'somebody', version: '0.0.0', interrupt: new AbortController().signal, onEvent: () => undefined,
  }
  const identity = state.identity === undefined ? {} : { identity: state.identity }
  const plan = (): Promise<Plan> => planSecret(engine, manifest, SECRET, { look: true, ...identity })
  let rotation = ''
  const once = (): Promise<Stopped> => drive(engine, rotation)
  const on = async (): Promise<Stopped> => {
    for (let gates = 0; ; ) {
      const stopped = await once()
      if (stopped.is !== 'waiting') return stopped
      if (stopped.why === 'gate' && (gates += 1) > GATES) return stopped
      clock.now = Math.max(clock.now, stopped.again)
    }
  }
  const diesAt = async (step: string, point: Point): Promise<boolean> => {
    killAt = `${step}/${point}`
    try {
      await on()
      return false
    } catch (thrown) {
      if (!(thrown instanceof Killed)) throw thrown
      return true
    } finally {
      killAt = ''
    }
  }
  const events = (): Promise<readonly TimedEvent[]> => soundEvents(engine, rotation)
  return {
    server, engine, manifest, services, clock, plan, once, on, events,
    rotation: () => rotation,
    turnTo: (id) => { rotation = id },
    put: (token) => {
      writeFileSync(envFile, `# of the app\n${KEY}=${token}\n`)
      for (const { instances } of Object.values(services)) for (const one of instances) one.holds = token
    },
    stored: () => tokenIn(envFile),
    open: async (opening = {}) => {
      rotation = await openRotation(engine, await plan(), { reason: 'a test', ...opening })
      return rotation
    },
    takeBack: async (which = rotation) => {
      // What is newer has a later time.
      clock.now += 1
      rotation = await takeBack(engine, manifest, await findRotation(state.db, which), { acceptImpact: true })
      return rotation
    },
    diesAt,
    dieAt: async (step, point) => {
      if (!(await diesAt(step, point))) throw new Error(`never came to ${step}/${point}: ${JSON.stringify(await once())}`)
    },
    rehearse: (step, fault) => void faults.set(step, fault),
    turn: (why) => request(engine, rotation, why),
    progress: async () => foldProgress((await readEvents(engine, rotation)).events),
    forgetLeft: () => {
      const found = tokenIn(envFile)
      for (const { id, value } of server.keys.of('atlas')) if (value !== found) server.keys.remove('atlas', id)
    },
    receipt: () => {
      const file = receiptFile(state.folder, rotation)
      try {
        return verifyReceipt(JSON.parse(readFileSync(file, 'utf8')) as SignedReceipt)
      } catch (thrown) {
        if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
        throw thrown
      }
    },
  }
}

/** A folder that goes with the test, in memory where there is such a place: what a throw leaves behind does not depend on the disk. */
function quickFolder(): string {
  const memory = '/dev/shm'
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'keyturn-strategies-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function manifestOf(server: ReferenceIssuer, traits: ReferenceTraits, options: StageOptions): object {
  const { strategy, issuer = (config) => config, secret = {}, consumers = ['app'] } = options
  return {
    version: 1, system: 'strategies', environment: 'staging',
    secrets: {
      [SECRET]: {
        issuer: issuer(referenceConfig(server, traits, { settle: '1s', recent: '100ms', ...(strategy === undefined ? {} : { strategy }) })),
        impact: 'everybody is logged out',
        grace: '1s', quiet: { for: '300ms', every: '100ms' }, undo: '1s', deadline: '2s', ready: '400ms',
        stores: [{ use: 'dotenv', file: '.env', bind: { [KEY]: '{token}' } }],
        consumers: consumers.map((name) => ({ use: 'service', name })),
        ...secret,
      },
    },
  }
}
