import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Order } from './load-thread.ts'
import { openTally, type Report } from './tally.ts'

/** A load that runs until it is stopped. */
export interface Load {
  /** What was seen up to about 100 ms ago. */
  now(): Report
  /** Starts no more requests, waits for those under way, and answers with all of it. May be repeated. */
  stop(): Promise<Report>
}

/**
 * Starts an open-loop load: `rate` requests per second in turn over the targets, on a fixed schedule, no retries, given up after
 * `timeout` milliseconds. It has a thread of its own, so what else this process does cannot delay it.
 */
export function startLoad(targets: readonly string[], rate: number, timeout = 2_000): Load {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const thread = new Worker(new URL('load-thread.ts', import.meta.url), {
    workerData: { targets, rate, timeout, stop } satisfies Order,
  })
  let latest = openTally(0).report(0)
  let broken: unknown
  thread.on('message', (report: Report) => {
    latest = report
  })
  thread.on('error', (error) => {
    broken = error
  })
  const exited = once(thread, 'exit')

  return {
    now: () => latest,
    async stop() {
      Atomics.store(stop, 0, 1)
      await exited
      if (broken !== undefined) throw new Error('the load broke down', { cause: broken })
      return latest
    },
  }
}
