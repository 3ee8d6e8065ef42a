import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { registry as shipped } from '../../src/connectors.gen.ts'
import { drive, type Stopped } from '../../src/engine/drive.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Point, Rehearsal } from '../../src/engine/rehearsal.ts'
import { openRotation, planSecret } from '../../src/engine/rotate.ts'
import { foldProgress, type Progress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { type Registry, Secret } from '../../src/kit/index.ts'
import type { Manifest } from '../../src/manifest/model.ts'
import { request } from '../../src/operations/request.ts'
import { takeBack } from '../../src/operations/rollback.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { findRotation } from '../../src/state/rotation.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { BACKENDS } from '../fixture/state.ts'
import { holdersConnector, type Holders, startHolders } from './holders.ts'

/** The name of the only secret. */
export const SECRET = 'jwt'

const LIFE_MS = 60_000

/** What a test throws at a point of a step in place of SIGKILL. */
class Killed extends Error {}

/** Two env files, one with a pair and one with two names, instances that sign and check, and an engine on a clock that sleeping moves. */
export interface KeyStage {
  readonly engine: Engine
  readonly manifest: Manifest
  readonly holders: Holders
  /** The two files. */
  readonly files: readonly [string, string]
  text(file: 0 | 1): string
  plan(): Promise<Plan>
  rotation(): string
  open(): Promise<string>
  /** Drives it once, when time has passed until then. */
  once(until?: number): Promise<Stopped>
  /** Opens the rotation that takes back the last one. */
  takeBack(): Promise<string>
  /** Drives it to where a person is needed or it is closed. */
  on(): Promise<Stopped>
  diesAt(step: string, point: Point): Promise<boolean>
  rehearse(step: string, fault: 'lose' | 'refuse'): void
  turn(): Promise<void>
  progress(): Promise<Progress>
}

/** A folder that goes with the test, in memory where there is such a place: what a throw leaves behind does not depend on the disk. */
function quickFolder(): string {
  const memory = '/dev/shm'
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'keyturn-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function setKeyStage(kind: (typeof BACKENDS)[number]['kind']): Promise<KeyStage> {
  const clock = { now: Date.now() }
  const root = quickFolder()
  const app = join(root, 'app')
  mkdirSync(app, { mode: 0o700 })
  const files = [join(app, '.env'), join(app, 'names.env')] as const
  const value = randomBytes(32).toString('hex')
  for (const file of files) writeFileSync(file, `# of the API\nKEY=${value}\n`, { mode: 0o600 })
  const holders = startHolders(files[0], LIFE_MS)
  const registry: Registry = { ...shipped, holders: holdersConnector(holders, () => clock.now) }
  const manifest = await parseManifest(stringify(MANIFEST), join(app, 'keyturn.yaml'), { registry })
  const backend = BACKENDS.find((each) => each.kind === kind) ?? BACKENDS[0]
  const state = await backend.fresh(root)
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
  /** Time passes, and everybody works on in it. */
  const pass = (to: number): void => {
    holders.use(clock.now)
    clock.now = Math.max(clock.now, to)
    holders.use(clock.now)
  }
  const engine: Engine = {
    state, registry, rehearsal, now: () => clock.now,
    host: (base) => ({ base, now: () => clock.now, resolve: async (text) => new Secret(text), conceal: () => undefined }),
    sleep: async (ms, signal) => {
      await setImmediate()
      if (!signal.aborted) pass(clock.now + Math.max(0, Math.ceil(ms)))
    },
    owner: 'here', isDead: () => true, by: 'somebody', version: '0.0.0', interrupt: new AbortController().signal, onEvent: () => undefined,
  }
  const identity = state.identity === undefined ? {} : { identity: state.identity }
  const plan = (): Promise<Plan> => planSecret(engine, manifest, SECRET, { look: true, ...identity })
  let rotation = ''
  const on = async (): Promise<Stopped> => {
    for (;;) {
      const stopped = await drive(engine, rotation)
      if (stopped.is !== 'waiting') return stopped
      pass(stopped.again)
    }
  }
  return {
    engine, manifest, holders, files, plan, on,
    text: (file) => readFileSync(files[file], 'utf8'),
    rotation: () => rotation,
    once: (until = clock.now) => {
      pass(until)
      return drive(engine, rotation)
    },
    takeBack: async () => {
      const row = await findRotation(engine.state.db, rotation, manifest)
      rotation = await takeBack(engine, manifest, row)
      return rotation
    },
    open: async () => {
      rotation = await openRotation(engine, await plan(), { reason: 'a test' })
      return rotation
    },
    diesAt: async (step, point) => {
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
    },
    rehearse: (step, fault) => void faults.set(step, fault),
    turn: () => request(engine, rotation, 'abort'),
    progress: async () => foldProgress((await readEvents(engine, rotation)).events),
  }
}

const MANIFEST = {
  version: 1, system: 'keys', environment: 'staging',
  secrets: {
    [SECRET]: {
      issuer: { use: 'random', name: 'jwt', format: 'hex', strategy: 'dual-key' },
      tokens: { life: `${LIFE_MS}ms`, cache: '5s' }, grace: `${LIFE_MS}ms`, deadline: '2s', ready: '2s',
      stores: [
        { use: 'dotenv', file: '.env', bind: { KEY: '{value}', KEY_PREVIOUS: { previous: '{value}' } } },
        { use: 'dotenv', file: 'names.env', bind: { KEY: '{value}', KEY_NEW: { new: '{value}' }, KEY_OLD: { old: '{value}' } } },
      ],
      consumers: [{ use: 'holders', name: 'api' }],
    },
  },
}
