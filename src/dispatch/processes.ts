import { type ChildProcess, spawn } from 'node:child_process'
import type { Ms } from '../kit/call.ts'

/** How a worker process ended. */
export interface Ended {
  /** From 1 on. */
  readonly worker: number
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** When it is started again, ms from now; absent when it is not. */
  readonly again?: Ms
}

export interface Workers {
  readonly count: number
  /** Starts one. */
  readonly start: (worker: number) => ChildProcess
  /** Ends all of them after the step at hand. */
  readonly interrupt: AbortSignal
  readonly now: () => number
  readonly sleep: (ms: Ms, signal: AbortSignal) => Promise<void>
  /** Told of every end that nobody asked for. */
  readonly onEnd: (ended: Ended) => void
  /** Whether an exit code says that it would end the same way again and again: then the others are ended, too. */
  readonly isHopeless: (code: number) => boolean
}

/** Before a worker that died is started again: a second, doubling up to a minute; from the beginning when it has lived that long. */
const AGAIN_MS = 1_000
const LONGEST_MS = 60_000

/**
 * Keeps so many workers going, each a process of its own, until it is interrupted or one cannot go on; one that dies is started again.
 * Answers when all have ended: with the exit code of the one that could not go on, or 0. When this process is killed, they find the
 * channel to it closed, and end by themselves.
 */
export async function keepWorkers(workers: Workers): Promise<number> {
  const hopeless = new AbortController()
  const stop = AbortSignal.any([workers.interrupt, hopeless.signal])
  const running = new Set<ChildProcess>()
  // Whoever ends this process at once means the workers, too: killing one anywhere loses nothing.
  const killAll = (): void => {
    for (const child of running) child.kill('SIGKILL')
  }
  process.on('exit', killAll)
  try {
    const codes = await Promise.all(Array.from({ length: workers.count }, (_, index) => keepOne(workers, index + 1, running, stop, hopeless)))
    return codes.find((code) => code !== 0) ?? 0
  } finally {
    process.off('exit', killAll)
  }
}

async function keepOne(workers: Workers, worker: number, running: Set<ChildProcess>, stop: AbortSignal, hopeless: AbortController): Promise<number> {
  let deaths = 0
  while (!stop.aborted) {
    const startedAt = workers.now()
    const { code, signal } = await oneLife(workers.start(worker), running, stop)
    if (stop.aborted) return 0
    if (code !== null && workers.isHopeless(code)) {
      workers.onEnd({ worker, code, signal })
      hopeless.abort()
      return code
    }
    deaths = workers.now() - startedAt >= LONGEST_MS ? 1 : deaths + 1
    const again = Math.min(LONGEST_MS, AGAIN_MS * 2 ** (deaths - 1))
    workers.onEnd({ worker, code, signal, again })
    await workers.sleep(again, stop)
  }
  return 0
}

function oneLife(child: ChildProcess, running: Set<ChildProcess>, stop: AbortSignal): Promise<Pick<Ended, 'code' | 'signal'>> {
  const end = (): void => void child.kill('SIGTERM')
  running.add(child)
  stop.addEventListener('abort', end)
  return new Promise((resolve) => {
    const over = (code: number | null, signal: NodeJS.Signals | null): void => {
      running.delete(child)
      stop.removeEventListener('abort', end)
      resolve({ code, signal })
    }
    child.once('exit', over)
    // It could not be started: that is an end, too.
    child.once('error', () => over(child.exitCode, child.signalCode))
    if (stop.aborted) end()
  })
}

/** Starts a program of Node as a worker: its output is ours, signals of the terminal do not reach it, and a channel ties it to us. */
export function startNode(argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, ...argv], { env, detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** In a worker: aborts when the process that started it is gone. Never, for one that was started otherwise. */
export function parentGone(): AbortSignal {
  const gone = new AbortController()
  // The channel must not keep a worker from ending that has nothing left to do.
  if (process.connected) process.once('disconnect', () => gone.abort()).channel?.unref()
  return gone.signal
}
