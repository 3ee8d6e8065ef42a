import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { registry } from '../src/connectors.gen.ts'
import { planSecret } from '../src/engine/rotate.ts'
import { Secret } from '../src/kit/index.ts'
import { loadManifest } from '../src/yaml/load.ts'
import type { Plan } from '../src/plan/plan.ts'
import { chain, type Entry, GENESIS, storedBytes } from '../src/state/journal.ts'
import { openState, type State, STATE_FILE } from '../src/state/open.ts'
import { ageSealer } from '../src/sealing/age.ts'
import { seal, type Sealed } from '../src/sealing/seal.ts'
import { secretKey } from '../src/state/ledger.ts'
import { PRAGMAS } from '../src/state/sqlite.ts'
import { inFolder } from './engine.ts'
import type { Figure } from './figure.ts'
import { buildPackage } from './package.ts'
import { median } from './pairs.ts'

export interface GraceSizes {
  /** Rotations that wait in their grace time while others become due. */
  readonly waiting: number
  readonly due: number
}

/** Between two due times, and before the first. */
const APART_MS = 400

/**
 * `keyturn run` over many rotations in grace: how much memory it holds at most, and how long after its due time a rotation is
 * claimed. What it then does (a gate that does not open, because nothing is there) is not measured.
 */
export async function measureGrace(sizes: GraceSizes = { waiting: 10_000, due: 9 }): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const launcher = await buildPackage(folder)
    const cwd = join(folder, 'system')
    await mkdir(cwd)
    const manifestFile = join(cwd, 'keyturn.yaml')
    await writeFile(manifestFile, MANIFEST)
    const manifest = await loadManifest(manifestFile, { registry })
    const planner = { registry, now: Date.now, host: (base: string) => ({ base, now: Date.now, resolve: async () => new Secret(''), conceal: () => undefined }) }
    const planOf = async (secret: string): Promise<Plan> => ({ ...await planSecret(planner, manifest, secret, { look: false }), current: { id: 'atlas' }, next: { id: 'atlas_alt' } })
    const plan = await planOf('database')
    const identity = join(folder, 'identity')
    const state = await openState(manifest.state, identity, true)
    const journals = openJournals(state)
    try {
      await journals.fill(plan, sizes.waiting, Date.now() + 48 * 3_600_000)
      // Its server cannot be reached, so it goes on trying to watch all the time: no other may wait for it.
      await journals.add(await planOf('watched'), 'canary', Date.now())
      const env = { PATH: process.env['PATH'], HOME: folder, KEYTURN_IDENTITY: identity, PG_ADMIN_URL: 'postgres://admin:none@127.0.0.1:1/atlas' }
      const child = spawn(process.execPath, [launcher, 'run', '--json'], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
      try {
        await journals.claimed('canary', child, () => said)
        const begin = Date.now() + 1_000
        const due = Array.from({ length: sizes.due }, (_, n) => ({ id: `due-${n}`, at: begin + n * APART_MS }))
        for (const { id, at } of due) await journals.add(plan, id, at)
        const late: number[] = []
        for (const { id, at } of due) late.push((await journals.claimed(id, child, () => said)) - at)
        const memory = await memoryOf(child)
        return [
          { name: 'grace, memory', says: `the most that \`keyturn run\` held over ${sizes.waiting} rotations in grace`, value: memory.peak, unit: 'MB', target: 150, from: { 'MB now': memory.now } },
          { name: 'grace, start', says: 'a due one starts after its due time', value: median(late), unit: 'ms', target: 100, from: { worst: Math.max(...late), due: late.length } },
        ]
      } finally {
        await end(child)
      }
    } finally {
      journals.close()
      await state.close()
    }
  })
}

interface Journals {
  /** So many that wait until this time, in one commit. */
  fill(plan: Plan, count: number, until: number): Promise<void>
  /** One that waits until this time. */
  add(plan: Plan, id: string, until: number): Promise<void>
  /** When it was claimed, unix ms; waits for it. */
  claimed(id: string, child: ChildProcess, said: () => string): Promise<number>
  close(): void
}

/** Writes rotations that have come as far as their grace time, as the engine would have. */
function openJournals(state: State): Journals {
  const { identity } = state
  if (identity === undefined) throw new Error('the state has no identity')
  const database = new DatabaseSync(join(state.folder, STATE_FILE))
  for (const pragma of PRAGMAS) database.exec(`PRAGMA ${pragma}`)
  const addRotation = database.prepare(`INSERT INTO rotation (id, system, environment, secret, principal, opened_at, seq, head, fence, lease_until, due_at, waits_for)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?, 'grace')`)
  const addEvent = database.prepare('INSERT INTO event (rotation, seq, type, at, body, hash) VALUES (?, ?, ?, ?, ?, ?)')
  const addSealed = database.prepare('INSERT INTO sealed (rotation, name, ciphertext, mac) VALUES (?, ?, ?, ?)')
  const claim = database.prepare(`SELECT min(at) AS at FROM event WHERE rotation = ? AND type = 'rotation-claimed' AND seq > ?`)
  const credential = (id: string): Parameters<typeof seal>[0] => ({ id, fields: { user: new Secret(id), password: new Secret(`${id}-0123456789abcdef0123456789abcdef`) } })
  const sealBoth = async (plan: Plan, rotation: string): Promise<Readonly<Record<'new' | 'old', Sealed>>> => {
    const secret = secretKey(plan.system, plan.environment, plan.secret)
    return {
      new: await seal(credential('atlas_alt'), { rotation, name: 'new', secret }, ageSealer(identity)),
      old: await seal(credential('atlas'), { rotation, name: 'old', secret }, ageSealer(identity)),
    }
  }
  let length = 0

  const insert = (plan: Plan, id: string, until: number, values: Readonly<Record<'new' | 'old', Sealed>>): void => {
    const now = Date.now()
    const entries = journal(plan, now, until)
    length = entries.length
    const lines: { readonly entry: Entry; readonly bytes: string; readonly hash: string }[] = []
    for (const [index, entry] of entries.entries()) {
      const bytes = storedBytes(index + 1, entry)
      lines.push({ entry, bytes, hash: chain(lines.at(-1)?.hash ?? GENESIS, bytes) })
    }
    addRotation.run(id, plan.system, plan.environment, plan.secret, `principal:bench/${id}`, now, lines.length, lines.at(-1)?.hash ?? GENESIS, until)
    for (const [index, { entry, bytes, hash }] of lines.entries()) addEvent.run(id, index + 1, entry.type, entry.at, bytes, hash)
    for (const name of ['new', 'old'] as const) addSealed.run(id, name, values[name].ciphertext, values[name].mac)
  }
  const commit = (body: () => void): void => {
    database.exec('BEGIN IMMEDIATE')
    body()
    database.exec('COMMIT')
  }

  return {
    async fill(plan, count, until) {
      // Sealed once for all of them: a value is opened when its rotation goes on, and these never do.
      const values = await sealBoth(plan, 'waiting')
      commit(() => {
        for (let n = 0; n < count; n += 1) insert(plan, `waiting-${n}`, until, values)
      })
    },
    async add(plan, id, until) {
      const values = await sealBoth(plan, id)
      commit(() => insert(plan, id, until, values))
    },
    async claimed(id, child, said) {
      for (const deadline = Date.now() + 60_000; ; await pause(20)) {
        const at = claim.get(id, length)?.['at']
        if (typeof at === 'number') return at
        if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${id} was not claimed: ${said().slice(0, 500)}`)
      }
    },
    close: () => database.close(),
  }
}

function journal(plan: Plan, now: number, until: number): Entry[] {
  const entry = (type: string, body: Entry['body']): Entry => ({ type, at: now, body })
  const steps = plan.steps.slice(0, plan.steps.findIndex((step) => step.do === 'wait'))
  return [
    entry('rotation-opened', { plan, version: 'bench', by: 'bench', reason: 'bench' }),
    entry('rotation-claimed', { by: 'bench', fence: 1, predecessor: 'none' }),
    ...steps.flatMap((step) => [
      ...('effect' in step ? [entry('intent-recorded', { step: step.id, attempt: 1, deadline: now + step.deadline, tag: 'kt-bench-1' })] : []),
      entry('step-done', { step: step.id, attempt: 1, evidence: step.do === 'preflight' ? { fenced: true } : {} }),
    ]),
    entry('wait-started', { step: 'grace', until }),
  ]
}

async function memoryOf(child: ChildProcess): Promise<{ readonly peak: number; readonly now: number }> {
  const text = await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8')
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024
  return { peak: read('VmHWM'), now: read('VmRSS') }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Nothing of it is there, so the one's gate is held at once, and the other goes on trying to watch. */
const MANIFEST = `version: 1
system: bench
environment: development
secrets:${secretOf('database', '0s')}${secretOf('watched', '10m')}`

function secretOf(name: string, quiet: string): string {
  return `
  ${name}:
    issuer: { use: postgres, admin: "\${env:PG_ADMIN_URL}", role: atlas, strategy: alternate }
    grace: 48h
    quiet: ${quiet}
    undo: 0s
    stores:
      - { use: dotenv, file: atlas.env, bind: { DATABASE_URL: "postgres://{user}:{password}@db:5432/atlas" } }
    consumers:
      - wave:
          - use: process
            instances: [{ name: atlas-1, pidFile: atlas-1.pid }, { name: atlas-2, pidFile: atlas-2.pid }]
            reload: { signal: SIGHUP }
            attest: { use: http, challenges: { atlas-1: http://127.0.0.1:1/attest, atlas-2: http://127.0.0.1:1/attest } }
    checks:
      - { use: http, url: http://127.0.0.1:1/readyz, expect: { json: { postgres: ok } } }
`
}
