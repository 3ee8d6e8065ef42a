import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { registry as shipped } from '../../src/connectors.gen.ts'
import { drive, type Stopped } from '../../src/engine/drive.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Point } from '../../src/engine/rehearsal.ts'
import { openRotation, planSecret } from '../../src/engine/rotate.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { type ConnectorModule, type Credential, type Fields, type Issuer, type Registry, Secret } from '../../src/kit/index.ts'
import { answerTask } from '../../src/operations/answer.ts'
import { request } from '../../src/operations/request.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { callWithin } from '../../src/testing/index.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { soundEvents } from '../fixture/sound.ts'
import { freshState } from '../fixture/state.ts'
import { inRealTime, startClock } from './clock.ts'
import type { Outage } from './line.ts'
import type { Outside, Row } from './outside.ts'
import type { Phase } from './phase.ts'
import { serviceAt } from './service.ts'

/** How long a provider is out of reach, ms by the engine's clock. */
export const OUTAGE_MS = 60_000

/** One outage, by the engine's clock, unix ms. */
export interface Over {
  readonly phase: Phase
  readonly from: number
  readonly to: number
}

/** A provider, a service and the engine in this process, on a clock of the test's. */
export interface Stage {
  readonly outside: Outside
  /** The connector, opened as another process would. */
  readonly issuer: Issuer
  plan(): Promise<Plan>
  open(): Promise<void>
  /** The provider goes out of reach in each of these, one after the other, for so long; {@link OUTAGE_MS} when absent. */
  cutIn(phases: readonly Phase[], how: Outage, ms?: number): void
  /** A person says that it shall go on. */
  resume(): Promise<void>
  /** The outages that are over. */
  readonly outages: readonly Over[]
  /**
   * Carries the rotation on until it is closed, or needs a person who looks. What it asks of one is done: whatever else there is at the
   * provider than the credential in use came of a lost request, and is ended.
   */
  on(): Promise<Stopped>
  /** Lets so much time pass. */
  wait(ms: number): Promise<void>
  /** The journal. Throws when an invariant does not hold over it. */
  events(): Promise<readonly TimedEvent[]>
  /** The credential that the store holds. */
  stored(): Credential
}

/** How often somebody comes by and looks whether a gate opens, ms. */
const LOOK_MS = 10_000

/** So often it may be waited before it counts as stuck. */
const WAITS = 200

/** Sets one for this test. `deadline` is what each effect gets. */
export async function setStage(row: Row, deadline = '10s'): Promise<Stage> {
  const outside = await row.start()
  onTestFinished(async () => {
    for (const line of outside.lines) await line.close()
    await outside.close()
  })
  const root = quickFolder()
  const app = join(root, 'app')
  mkdirSync(app, { mode: 0o700 })
  const envFile = join(app, '.env')
  const keys = Object.keys(outside.current.fields).map((field) => [field, `APP_${field.toUpperCase()}`] as const)
  writeFileSync(envFile, keys.map(([field, key]) => `${key}=${outside.current.fields[field]?.reveal() ?? ''}\n`).join(''), { mode: 0o600 })

  const clock = startClock()
  const connectors: Registry = { ...shipped, service: serviceAt(envFile) }
  const { [row.connector]: entry } = connectors
  if (entry === undefined) throw new Error(`there is no connector ${row.connector}`)
  const openIssuer = outside.open ?? (await entry.load()).openIssuer
  if (openIssuer === undefined) throw new Error(`${row.connector} is no issuer`)
  const load = (): Promise<ConnectorModule> => Promise.resolve({ openIssuer })
  const all: Registry = { ...connectors, [row.connector]: { ...entry, load } }
  const registry = inRealTime(all, row.connector, clock)
  const bind = Object.fromEntries(keys.map(([field, key]) => [key, `{${field}}`]))
  const manifest = await parseManifest(manifestOf(row, outside, bind, deadline), join(app, 'keyturn.yaml'), { registry })
  const state = await freshState(root)
  const env = new Map(Object.entries(outside.env))
  const stored = (): Fields => {
    const found = parseEnv(readFileSync(envFile, 'utf8'))
    return Object.fromEntries(keys.map(([field, key]) => [field, new Secret(found[key] ?? '')]))
  }
  const host: Engine['host'] = (base) => ({
    base, now: clock.now, conceal: () => undefined,
    resolve: async (text) => new Secret(text.replaceAll(/\$\{env:(\w+)\}/g, (_, name: string) => (name === 'STORED' ? Object.values(stored())[0]?.reveal() : env.get(name)) ?? '')),
  })

  const [outages, ahead]: [Over[], Phase[]] = [[], []]
  let [down, how, lasts]: [Promise<unknown> | undefined, Outage, number] = [undefined, 'refused', OUTAGE_MS]
  /** The phase that begins here, taken from the list; while an outage lasts none does. */
  const beginning = (step: string, point: Point): Phase | undefined => {
    const at = down === undefined ? ahead.findIndex((phase) => phase.step === step) : -1
    return at >= 0 && ahead[at]?.point === point ? ahead.splice(at, 1)[0] : undefined
  }
  const begin = (phase: Phase): void => {
    const from = clock.now()
    const cut = Promise.all(outside.lines.map((line) => line.down(how)))
    down = cut
    clock.after(lasts, async () => {
      await cut
      for (const line of outside.lines) await line.up()
      down = undefined
      outages.push({ phase, from, to: clock.now() })
    })
  }
  const engine: Engine = {
    state, registry, host, now: clock.now,
    sleep: async (ms, signal) => { if (!signal.aborted) await clock.pass(ms) },
    rehearsal: {
      at: (step, point) => {
        const phase = beginning(step, point)
        if (phase !== undefined) begin(phase)
      },
      answer: (step) => (down === undefined && ahead.find((phase) => phase.step === step)?.lost === true ? 'lose' : undefined),
    },
    owner: 'here', isDead: () => false, by: 'somebody', version: '0.0.0', interrupt: new AbortController().signal, onEvent: () => undefined,
  }
  const plan = (): Promise<Plan> => planSecret(engine, manifest, SECRET, { look: true, ...(state.identity === undefined ? {} : { identity: state.identity }) })
  const config = manifest.secrets[SECRET]?.issuer.config
  const issuer = openIssuer(config as never, { ...host(app), now: () => Date.now() })
  onTestFinished(() => issuer.close())
  let rotation = ''
  return {
    outside, issuer, plan, outages,
    open: async () => { rotation = await openRotation(engine, await plan(), { reason: 'a test' }) },
    cutIn: (phases, by, ms = OUTAGE_MS) => {
      ahead.push(...phases)
      how = by
      lasts = ms
    },
    resume: () => request(engine, rotation, 'resume'),
    on: async () => {
      for (let waits = 0; waits < WAITS; waits += 1) {
        const stopped = await drive(engine, rotation)
        if (stopped.is === 'closed' || (stopped.is === 'person' && !stopped.task)) return stopped
        if (stopped.is === 'waiting') await clock.pass(Math.max(stopped.again - clock.now(), stopped.why === 'gate' ? LOOK_MS : 0))
        else if (stopped.is === 'person') {
          await endLost(issuer, outside.current)
          await answerTask(engine, rotation)
        } else throw new Error(JSON.stringify(stopped))
      }
      throw new Error(`does not end: ${JSON.stringify(await drive(engine, rotation))}`)
    },
    wait: (ms) => clock.pass(ms),
    events: () => soundEvents(engine, rotation),
    stored: () => {
      const fields = stored()
      return { id: issuer.idOf(fields) ?? '', fields }
    },
  }
}

/** The name of the only secret. */
const SECRET = 'login'

function manifestOf({ connector, strategy }: Row, { issuer, blind }: Outside, bind: Readonly<Record<string, string>>, deadline: string): string {
  return stringify({
    version: 1, system: 'outages', environment: 'staging',
    secrets: {
      [SECRET]: {
        issuer: { use: connector, strategy, ...issuer },
        impact: 'a moment without logins', grace: '1s', quiet: blind === true ? '0s' : { for: '1m', every: '20s' }, undo: '1s', deadline, ready: '10s',
        stores: [{ use: 'dotenv', file: '.env', bind }], consumers: [{ use: 'service' }],
      },
    },
  })
}

/** What a person does who finds out what a lost request made. */
async function endLost(issuer: Issuer, { id: inUse }: Credential): Promise<void> {
  const call = callWithin(10_000)
  const seen = await issuer.observe(call)
  if (seen.is !== 'done') throw new Error(JSON.stringify(seen))
  for (const { id } of seen.value.known) if (id !== inUse) await issuer.set(id, 'gone', call)
}

/** A folder that goes with the test, in memory where there is such a place: what an outage leads to does not depend on the disk. */
function quickFolder(): string {
  const memory = '/dev/shm'
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'keyturn-outages-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
