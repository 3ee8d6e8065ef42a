import { join } from 'node:path'
import { registry } from '../../src/connectors.gen.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { loadManifest } from '../../src/yaml/load.ts'
import { rotate } from '../../src/operations/rotate.ts'
import { readSealed } from '../../src/state/ledger.ts'
import { openState, type State } from '../../src/state/open.ts'
import { listRotations, type RotationRow } from '../../src/state/rotation.ts'
import { ageSealer } from '../../src/sealing/age.ts'
import { unseal } from '../../src/sealing/seal.ts'
import { until } from '../servers/postgres.ts'
import { type Cell, isFenced } from './cell.ts'
import type { Ran, Running, Shipped } from './shipped.ts'
import { SECRET, type Stage } from './stage.ts'

/** Short, so that a silent worker is taken over soon; every run renews it. */
const LEASE_MS = 400

/** So long that a worker does not look after its lease while a cell is played. */
const LONG_LEASE_MS = 600_000

/** What was seen while a cell was played. */
export interface Played {
  /** Exit code of the run that closed the rotation. */
  readonly exit: number | null
  /** Of the worker that was taken over. */
  readonly late?: Ran
  /** The password that the rotation made; absent when the env file is the only place that knows it. */
  readonly minted?: string
  /** Everything that any run wrote. */
  readonly output: string
}

/** One command line and what is to go wrong in it. */
interface Order {
  readonly words: readonly string[]
  readonly rehearse: readonly string[]
}

/** Plays one cell to its end with the shipped command line. */
export async function play(cell: Cell, stage: Stage, shipped: Shipped): Promise<Played> {
  const players = new Players(stage, shipped)
  try {
    const order = await upTo(cell, players)
    const { fault } = cell
    switch (fault.is) {
      case 'kill': {
        await players.killed(order, `kill:${cell.step.id}/${fault.point}`)
        const minted = await mintedOf(stage)
        return { ...(await players.run(next(cell))), ...minted }
      }
      case 'lose':
        return await players.runAndPeek(order, [`lose:${cell.step.id}`], cell)
      case 'refuse': {
        const first = await players.runAndPeek(order, [`refuse:${cell.step.id}`], cell)
        if (first.exit !== 6) return first
        return { ...first, ...(await players.run(next(cell))) }
      }
      case 'late':
        return await late(cell, order, players)
    }
  } finally {
    players.leave()
  }
}

/** Everything before the command in which the fault happens, and that command. */
async function upTo(cell: Cell, players: Players): Promise<Order> {
  const forward: Order = { words: ['rotate', SECRET, '--wait'], rehearse: [] }
  if (cell.way === 'forward') return forward
  // In place a refusal after the mint turns back by itself; a pair is turned back by a person, in the undo window.
  if (cell.strategy === 'in-place') return { ...forward, rehearse: ['refuse:reload:0.0'] }
  // The way there is the forward cells' matter; in this process it takes half the time.
  const runtime = { env: players.stage.env, interrupt: new AbortController().signal, conceal: () => undefined }
  const manifest = await loadManifest(join(players.stage.folder, 'keyturn.yaml'), { registry })
  const stopped = await rotate(runtime, manifest, SECRET)
  if (stopped.is !== 'waiting' || stopped.why !== 'undo') throw new Error(`there is no undo window: ${JSON.stringify(stopped)}`)
  return { words: ['undo', SECRET, '--wait'], rehearse: [] }
}

/** The command that ends it. */
function next({ fault }: Cell): Order {
  return { words: ['next' in fault ? fault.next : 'resume', SECRET, '--wait'], rehearse: [] }
}

/**
 * The first worker stops itself, the second takes over and stops itself before the receipt, the first wakes up, then the second.
 * One that wakes up in its time does not know of its loss either: its lease was long, and somebody took it away.
 */
async function late(cell: Cell, order: Order, players: Players): Promise<Played> {
  const { stage } = players
  const { fault, step } = cell
  if (fault.is !== 'late') throw new TypeError('not late')
  const first = players.start(order, [`stop:${step.id}/${fault.point}`], fault.within ? LONG_LEASE_MS : LEASE_MS)
  await first.stopped()
  const minted = await mintedOf(stage)
  const { owner, leaseUntil, deadline } = await openIntent(stage)
  if (fault.within) await takeLease(stage)
  else await until(() => Date.now() > Math.max(leaseUntil, deadline), 'the lease and the deadline do not run out')
  const second = players.start(next(cell), [`stop:${cell.result === 'done' ? '' : 'back:'}sweep/before-intent`])
  const waits = fault.within && fault.point === 'after-intent' && !isFenced(step)
  // Without a fence the successor waits until nothing can come late any more; the effect happens while it waits.
  if (waits) await until(() => peek(stage, async (_, row) => row.owner !== owner), 'nobody takes over')
  else await second.stopped()
  if (fault.within && Date.now() >= deadline) throw new Error('the first worker would wake up too late')
  first.wake()
  const woken = await first.ended
  await second.stopped()
  second.wake()
  return { ...(await players.end(second)), ...minted, late: woken }
}

/** Starts runs of the command line, remembers what they wrote, and ends those that are left. */
class Players {
  readonly stage: Stage
  readonly #shipped: Shipped
  readonly #all: Running[] = []
  #output = ''

  constructor(stage: Stage, shipped: Shipped) {
    this.stage = stage
    this.#shipped = shipped
  }

  start(order: Order, faults: readonly string[] = [], lease = LEASE_MS): Running {
    const rehearse = [...order.rehearse, ...faults].join(',')
    const env = { ...this.stage.env, KEYTURN_REHEARSE: rehearse, KEYTURN_LEASE_MS: String(lease) }
    const running = this.#shipped.start(this.stage.folder, order.words, env)
    this.#all.push(running)
    return running
  }

  async end(running: Running): Promise<{ exit: number | null; output: string }> {
    const { code } = await running.ended
    this.#output = (await Promise.all(this.#all.map((each) => each.ended))).map((each) => each.output).join('\n')
    return { exit: code, output: this.#output }
  }

  run(order: Order): Promise<{ exit: number | null; output: string }> {
    return this.end(this.start(order))
  }

  async killed(order: Order, fault: string): Promise<void> {
    const { signal, output } = await this.start(order, [fault]).ended
    if (signal !== 'SIGKILL') throw new Error(`${fault} was not reached:\n${output}`)
  }

  /** Stops it on its way back before the values are wiped, so that the test knows what has to be rejected. */
  async runAndPeek(order: Order, faults: readonly string[], cell: Cell): Promise<Played> {
    const closes = cell.result === 'rolled-back' && !(cell.fault.is === 'refuse' && cell.way === 'back')
    const running = this.start(order, closes ? [...faults, 'stop:back:receipt/before-intent'] : faults)
    if (closes) await running.stopped()
    const minted = closes ? await mintedOf(this.stage) : {}
    running.wake()
    const ended = await this.end(running)
    return { ...ended, ...minted, ...(ended.exit === 6 ? await mintedOf(this.stage) : {}) }
  }

  leave(): void {
    for (const each of this.#all) each.kill()
  }
}

/** Opens the state of a stage to look. */
export async function peek<T>(stage: Stage, body: (state: State, row: RotationRow) => Promise<T>): Promise<T> {
  const state = await openState(stage.place, stage.env['KEYTURN_IDENTITY'])
  try {
    const [row] = await listRotations(state.db)
    if (row === undefined) throw new Error('there is no rotation')
    return await body(state, row)
  } finally {
    await state.close()
  }
}

/** The password that the rotation made, when it is sealed by now. */
function mintedOf(stage: Stage): Promise<{ minted?: string }> {
  return peek(stage, async (state, row) => {
    const sealed = await readSealed(state.db, row.id, 'new')
    if (sealed === undefined || state.identity === undefined) return {}
    const { fields } = await unseal(sealed, { rotation: row.id, name: 'new', secret: `matrix/staging/${SECRET}` }, ageSealer(state.identity))
    return { minted: fields['password']?.reveal() ?? '' }
  })
}

/** Who holds the rotation, and the deadline of the intent that has no outcome yet. */
function openIntent(stage: Stage): Promise<{ owner: string | null; leaseUntil: number; deadline: number }> {
  return peek(stage, async (state, row) => {
    const { open } = foldProgress((await readEvents({ state }, row.id)).events)
    if (open === undefined) throw new Error('nothing is open')
    return { owner: row.owner, leaseUntil: row.lease_until, deadline: open.deadline }
  })
}

/** The rotation is free, as if its owner had been silent for longer than its lease. */
function takeLease(stage: Stage): Promise<unknown> {
  return peek(stage, (state, row) => state.db.updateTable('rotation').set({ lease_until: 0 }).where('id', '=', row.id).execute())
}
