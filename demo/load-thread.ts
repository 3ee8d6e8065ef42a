import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { openTally } from './tally.ts'

/** What the thread is started with. */
export interface Order {
  readonly targets: readonly string[]
  /** Requests per second over all targets. */
  readonly rate: number
  /** Milliseconds after which a request is given up and counted as failed. */
  readonly timeout: number
  /** Stops when the first element is no longer 0. */
  readonly stop: Int32Array
}

/**
 * Sends the n-th request at t0 + n/rate whatever became of those before, and counts its latency from that moment: a server (or
 * a load) that stalls is seen as slow for every request that was due meanwhile, not only for the one that hung.
 */
async function generate(order: Order, port: MessagePort): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 256 })
  const tally = openTally(order.timeout * 2)
  const began = performance.now()
  const elapsed = (): number => performance.now() - began
  const underway = new Set<Promise<void>>()
  const follow = async (n: number, due: number): Promise<void> => {
    tally.started(elapsed() - due)
    const failure = await send(agent, order.targets[n % order.targets.length] ?? '', due + order.timeout - elapsed())
    tally.ended(elapsed() - due, elapsed(), failure)
  }

  const reporting = setInterval(() => { port.postMessage(tally.report(elapsed())) }, 100)
  for (let n = 0; Atomics.load(order.stop, 0) === 0;) {
    for (; n * 1000 / order.rate <= elapsed(); n += 1) {
      const followed = follow(n, n * 1000 / order.rate).finally(() => underway.delete(followed))
      underway.add(followed)
    }
    await pause(1)
  }
  await Promise.all(underway)
  clearInterval(reporting)
  agent.destroy()
  port.postMessage(tally.report(elapsed()))
}

/** One GET, never repeated. Resolves when the whole answer is there: with a reason when it failed, else with nothing. */
async function send(agent: Agent, target: string, within: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request(target, { agent }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => { body += chunk })
      response.on('error', fail)
      response.on('end', () => {
        clearTimeout(timer)
        resolve(response.statusCode === 200 ? undefined : `${response.statusCode ?? 0} ${sqlstate(body)}`.trim())
      })
    })
    const timer = setTimeout(() => {
      resolve('timeout')
      sent.destroy()
    }, Math.max(within, 0))
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer)
      resolve(error.code ?? error.name)
    }
    sent.on('error', fail)
    sent.end()
  })
}

function sqlstate(body: string): string {
  return /"sqlstate":"(\w+)"/.exec(body)?.[1] ?? ''
}

if (parentPort !== null) await generate(workerData as Order, parentPort)
