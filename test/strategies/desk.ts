import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { buildProgram } from '../../src/cli/main.ts'
import { exitOf } from '../../src/cli/exit.ts'
import { registry } from '../../src/connectors.gen.ts'
import { drive, type Stopped } from '../../src/engine/drive.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { Recorder } from '../../src/engine/recorder.ts'
import { readEvents } from '../../src/journal/read.ts'
import { NO_REHEARSAL } from '../../src/engine/rehearsal.ts'
import { openRotation, planSecret } from '../../src/engine/rotate.ts'
import { KeyturnError, type TaskRequest } from '../../src/kit/index.ts'
import { referenceConfig, type ReferenceIssuer, type ReferenceTraits, startReferenceIssuer } from '../../src/testing/index.ts'
import { loadManifest } from '../../src/yaml/load.ts'
import { engineFor } from '../../src/runtime.ts'
import { claim, release } from '../../src/state/lease.ts'
import { openState, type State } from '../../src/state/open.ts'
import { listRotations } from '../../src/state/rotation.ts'
import { keptSession } from '../fixture/session.ts'
import { tempFolder } from '../fixture/state.ts'
import { packageAt, type Package } from '../servers/package.ts'
import { SECRET } from './stage.ts'

/** What a command line did. */
export interface Did {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** A manifest in a folder, a reference issuer, and the command line: in this process, and as the shipped program. */
export interface Desk {
  readonly server: ReferenceIssuer
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** The text of the env file. */
  stored(): string
  /** Runs `keyturn WORDS` in this process. */
  keyturn(...words: readonly string[]): Promise<Did>
  shipped(): Promise<Package>
  inState<T>(body: (state: State) => Promise<T>): Promise<T>
  /** The id of the newest rotation. */
  rotation(): Promise<string>
  /** Its journal; throws when an invariant does not hold over it. */
  events(): Promise<readonly TimedEvent[]>
  /** Opens a rotation and has the issuer ask for this where it was about to do the step. */
  ask(step: string, task: TaskRequest): Promise<string>
}

export interface DeskOptions {
  readonly strategy?: 'in-place' | 'hard-cut'
  readonly issuer?: (config: Record<string, unknown>) => Record<string, unknown>
  readonly secret?: Readonly<Record<string, unknown>>
  /** The env file for the key in use, and how the store binds it. */
  readonly file?: (token: string, id: string) => { readonly text: string; readonly bind: Readonly<Record<string, string>> }
}

class Reached extends Error {}

/** Sets one for this test. */
export async function setDesk(traits: ReferenceTraits, options: DeskOptions = {}): Promise<Desk> {
  const { issuer = (config) => config, file = (token) => ({ text: `TOKEN=${token}\n`, bind: { TOKEN: '{token}' } }) } = options
  const server = await startReferenceIssuer(traits)
  onTestFinished(() => server.close())
  const root = tempFolder()
  const folder = join(root, 'app')
  mkdirSync(folder, { mode: 0o700 })
  const current = server.make()
  const { text, bind } = file(current.fields['token']?.reveal() ?? '', current.id)
  writeFileSync(join(folder, '.env'), text, { mode: 0o600 })
  const config = referenceConfig(server, traits, { settle: '100ms', recent: '50ms', ...(options.strategy === undefined ? {} : { strategy: options.strategy }) })
  writeFileSync(join(folder, 'keyturn.yaml'), stringify({
    version: 1, system: 'strategies', environment: 'staging',
    secrets: {
      [SECRET]: {
        issuer: issuer(config), owner: 'platform', impact: 'everybody is logged out',
        grace: '20ms', quiet: { for: '60ms', every: '20ms' }, undo: '20ms', deadline: '400ms', ready: '2s',
        stores: [{ use: 'dotenv', file: '.env', bind }], ...options.secret,
      },
    },
  }))
  const env = { ...server.env, KEYTURN_IDENTITY: join(root, 'identity') }
  const inState = async <T>(body: (state: State) => Promise<T>): Promise<T> => {
    const state = await openState(join(folder, '.keyturn'), env.KEYTURN_IDENTITY, true)
    try {
      return await body(state)
    } finally {
      await state.close()
    }
  }
  const newest = async (state: State): Promise<string> => (await listRotations(state.db))[0]?.id ?? ''
  const engineOver = (state: State): Engine => engineFor(keptSession(env).runtime, state)
  return {
    server, folder, env, inState,
    stored: () => readFileSync(join(folder, '.env'), 'utf8'),
    keyturn: (...words) => runHere([...words, '--manifest', join(folder, 'keyturn.yaml')], env),
    shipped: () => packageAt(inject('packageFolder')),
    rotation: () => inState(newest),
    events: () => inState(async (state) => {
      const { events } = await readEvents({ state }, await newest(state))
      const broken = brokenInvariants(events)
      if (broken.length > 0) throw new Error(broken.join('; '))
      return events
    }),
    ask: (step, task) => inState(async (state) => {
      const manifest = await loadManifest(join(folder, 'keyturn.yaml'), { registry })
      const engine = engineOver(state)
      const made = await planSecret(engine, manifest, SECRET, { look: true, ...(state.identity === undefined ? {} : { identity: state.identity }) })
      const rotation = await openRotation(engine, made, { reason: 'a test' })
      const halting: Engine = { ...engine, rehearsal: { ...NO_REHEARSAL, at: (at, point) => {
        if (at === step && point === 'before-intent') throw new Reached()
      } } }
      await until(() => drive(halting, rotation))
      await asked(engine, rotation, step, task)
      return rotation
    }),
  }
}

/** Drives through the waits until the step is reached. */
async function until(run: () => Promise<Stopped>): Promise<void> {
  for (;;) {
    try {
      const stopped = await run()
      if (stopped.is !== 'waiting') throw new Error(`never came there: ${JSON.stringify(stopped)}`)
    } catch (thrown) {
      if (thrown instanceof Reached) return
      throw thrown
    }
  }
}

/** What the engine writes when a step answers `ask`. */
async function asked(engine: Engine, rotation: string, step: string, task: TaskRequest): Promise<void> {
  const taken = await claim(engine.state.db, rotation, engine.owner, engine.state.clock, engine.isDead)
  const recorder = await Recorder.open(engine, taken.claim, taken.predecessor, taken.before)
  await recorder.write({ type: 'intent-recorded', step, attempt: 1, deadline: engine.now() + 1_000, tag: `kt-${rotation}-${randomBytes(2).toString('hex')}` })
  await recorder.write({ type: 'step-asked', step, attempt: 1, task })
  await release(engine.state.db, taken.claim)
  await drive(engine, rotation)
}

async function runHere(words: readonly string[], env: Readonly<Record<string, string>>): Promise<Did> {
  const session = keptSession(env)
  let exit = 0
  const program = buildProgram(async (run) => {
    exit = await run(session)
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return { exit, out: session.out(), err: session.err() }
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    return { exit: exitOf(thrown.code), out: session.out(), err: `${session.err()}${thrown.code} ${thrown.message}\n${thrown.hint}` }
  }
}
