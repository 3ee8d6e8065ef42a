import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { startServer } from '../demo/server.ts'
import { LEASE_MS } from '../src/state/lease.ts'
import { readJournal } from '../src/state/journal.ts'
import { inFolder } from './engine.ts'
import type { Figure } from './figure.ts'
import { allDone, type Fleet, setFleet, startMeter, type Worker } from './fleet.ts'
import { median } from './pairs.ts'

export interface WorkerSizes {
  /** Rotations of as many roles in each run. */
  readonly rotations: number
  /** So many workers; the first one alone, for comparison. */
  readonly counts: readonly number[]
  /** What the service of each takes to restart, ms. */
  readonly reload: number
  /** In one process at the same time, for the throughput of one machine. */
  readonly atOnce: number
  /** So often a worker is killed. */
  readonly kills: number
  /** Of a lease, ms. */
  readonly lease: number
}

/** What a run must not fall short of: workers, and times the throughput of one. */
const LEAST: Readonly<Record<number, number>> = { 2: 1.8, 4: 3.2 }

/** After its lease a rotation goes on within this, ms. */
const SCAN_MS = 2_000

/**
 * Rotations of PostgreSQL roles on a state in PostgreSQL, by workers that are processes: how throughput grows with their number while
 * each waits for services to restart, and what is left when nothing is waited for; how many one process does at the same time, with
 * all proofs; and how soon the rotation of a killed worker goes on.
 */
export async function measureWorkers(sizes: WorkerSizes = { rotations: 1_000, counts: [1, 2, 4], reload: 200, atOnce: 16, kills: 3, lease: LEASE_MS }): Promise<Figure[]> {
  const server = await startServer()
  try {
    return await inFolder(async (folder) => {
      const fleet = await setFleet(folder, server.adminUrl, sizes.rotations)
      try {
        return [
          ...(await scaling(fleet, sizes, sizes.reload, true)),
          ...(await scaling(fleet, sizes, 0, false)),
          await inParallel(fleet, sizes),
          await afterKill(fleet, sizes),
        ]
      } finally {
        await fleet.stop()
      }
    })
  } finally {
    await server.stop()
  }
}

async function scaling(fleet: Fleet, { rotations, counts }: WorkerSizes, reload: number, judged: boolean): Promise<Figure[]> {
  const figures: Figure[] = []
  let one = Number.NaN
  for (const count of counts) {
    const { perSecond, machine, seconds } = await throughput(fleet, rotations, reload, count, 1)
    if (count === 1) one = perSecond
    const least = judged ? LEAST[count] : undefined
    const from = { '1/s': perSecond, '1/s by one': one, 'machine busy, %': machine * 100, 'ms of CPU a rotation, workers': (seconds * 1_000) / rotations, rotations }
    figures.push(count === 1
      ? { name: `workers, 1, reload ${reload} ms`, says: 'rotations a second by one worker, one at a time', value: perSecond, unit: '/s', from }
      : { name: `workers, ${count}, reload ${reload} ms`, says: `throughput of ${count} workers over that of one`, value: perSecond / one, unit: 'x', ...(least === undefined ? {} : { least }), from })
  }
  return figures
}

interface Throughput {
  readonly perSecond: number
  /** The busy share of the machine meanwhile. */
  readonly machine: number
  /** CPU seconds of the workers. */
  readonly seconds: number
}

/** Of the middle eight tenths: workers do not start at the same moment, and in the end not all have something to do. */
async function throughput(fleet: Fleet, rotations: number, reload: number, count: number, atOnce: number): Promise<Throughput> {
  await fleet.open(rotations, reload)
  const workers = Array.from({ length: count }, () => fleet.worker({ atOnce }))
  const meter = await startMeter(workers.flatMap(({ child }) => child.pid ?? []))
  await fleet.release()
  const rows = await allDone(fleet, workers)
  const [machine, seconds] = [meter.machine(), await meter.processes()]
  await stopAll(workers)
  const closed = rows.flatMap((row) => row.closed_at ?? []).toSorted((a, b) => a - b)
  const [from, to] = [Math.floor(closed.length * 0.1), Math.ceil(closed.length * 0.9) - 1]
  return { perSecond: ((to - from) * 1_000) / Math.max(1, (closed[to] ?? 0) - (closed[from] ?? 0)), machine, seconds }
}

async function inParallel(fleet: Fleet, { rotations, atOnce }: WorkerSizes): Promise<Figure> {
  const { perSecond, machine, seconds } = await throughput(fleet, rotations, 0, 1, atOnce)
  const from = { 'machine busy, %': machine * 100, 'ms of CPU a rotation, worker': (seconds * 1_000) / rotations, rotations }
  return { name: `workers, ${atOnce} at once`, says: `rotations a second with all proofs, ${atOnce} at the same time in one process`, value: perSecond, unit: '/s', from }
}

/** As if the killed worker had been on another machine: here it would be known at once that it is gone. */
async function afterKill(fleet: Fleet, { kills, lease }: WorkerSizes): Promise<Figure> {
  const late: number[] = []
  for (let kill = 0; kill < kills; kill += 1) {
    await fleet.open(1, 0)
    const env = { KEYTURN_LEASE_MS: String(lease) }
    const killed = fleet.worker({ env: { ...env, KEYTURN_REHEARSE: 'kill:publish:0/after-effect' } })
    await fleet.release()
    await once(killed.child, 'close')
    const at = Date.now()
    await fleet.inState(async ({ db }) => void (await db.updateTable('rotation').set({ owner: 'elsewhere/0/0 1@1' }).where('result', 'is', null).execute()))
    const next = fleet.worker({ env })
    late.push((await takenOver(fleet)) - at)
    await allDone(fleet, [next])
    await stopAll([killed, next])
  }
  return { name: 'workers, killed', says: `from the SIGKILL of a worker to its rotation going on; the lease is ${lease} ms`, value: Math.max(...late), unit: 'ms', target: lease + SCAN_MS, from: { median: median(late), kills } }
}

/** When the second owner wrote its first entry, unix ms; waits for it. */
async function takenOver(fleet: Fleet): Promise<number> {
  for (;;) {
    const at = await fleet.inState(async ({ db }) => {
      const [row] = await fleet.rows()
      const claims = (await readJournal(db, row?.id ?? '')).filter((entry) => entry.type === 'rotation-claimed')
      return claims[1]?.at
    })
    if (at !== undefined) return at
    await pause(50)
  }
}

async function stopAll(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()))
}
