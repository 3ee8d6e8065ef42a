import { keepWorkers, parentGone, startNode } from '../../dispatch/processes.ts'
import { KeyturnError, reduceCause } from '../../kit/index.ts'
import type { Manifest } from '../../manifest/model.ts'
import { withEngine } from '../../operations/follow.ts'
import { AT_ONCE, runDue, type RunWatcher } from '../../operations/run-due.ts'
import { openStateFor, sleep } from '../../runtime.ts'
import { duration } from '../../views/duration.ts'
import { EXIT, exitOf, exitOfRun, worseExit } from '../exit.ts'
import { progressTo, tellFailure, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly once?: boolean
  readonly workers?: string
  readonly concurrency?: string
}

/** More processes than this are a slip of the finger. */
const MOST_WORKERS = 64

/** `keyturn run`: begins what the schedule says and goes on with everything that is due; `--once` for cron. One that fails does not keep the others from going on. */
export async function run(session: Session, _: readonly string[], options: Options): Promise<number> {
  const workers = options.workers === undefined ? undefined : numberOf('--workers', options.workers, MOST_WORKERS)
  const atOnce = options.concurrency === undefined ? AT_ONCE : numberOf('--concurrency', options.concurrency, 1_000)
  const manifest = await manifestOf(options)
  if (workers === undefined) return work(session, manifest, atOnce, options)
  if (options.once === true) throw new KeyturnError('USAGE', '--workers goes on for ever, and --once does not', { hint: 'Leave one of them out.' })
  return supervise(session, manifest, workers, atOnce, options)
}

/** One worker, in this process. */
async function work({ runtime, terminal }: Session, manifest: Manifest, atOnce: number, options: Options): Promise<number> {
  const json = options.json === true
  const once = options.once === true
  const interrupt = AbortSignal.any([runtime.interrupt, parentGone()])
  return withEngine({ ...runtime, interrupt }, manifest, progressTo(terminal, json), async (engine, teller) => {
    let worst: number = EXIT.done
    const told = new Map<string, string>()
    const tellOnce = (about: string, error: KeyturnError): void => {
      if (told.get(about) !== error.message) tellFailure(terminal, about, error, json)
      told.set(about, error.message)
    }
    const watcher: RunWatcher = {
      onStop: (outcome) => {
        worst = worseExit(worst, exitOfRun(outcome))
        told.delete(outcome.rotation)
        tellOutcome(terminal, outcome, json)
      },
      onFailure: (rotation, error) => {
        worst = worseExit(worst, exitOf(error.code))
        // It stays due, so it is tried at every scan: once is enough to be told.
        tellOnce(rotation, error)
        teller.unbegun(rotation, error)
      },
      onTrouble: (thrown) => tellOnce('dispatch', thrown instanceof KeyturnError ? thrown : new KeyturnError('INTERNAL', `pg-boss: ${reduceCause(thrown).name}`, { cause: thrown, hint: 'What is due is found without it, some seconds later. See docs/state.md.' })),
    }
    await teller.during(() => runDue(engine, manifest, { once, atOnce }, watcher))
    return once ? worst : EXIT.done
  })
}

/** So many workers, each a process of its own that runs this very command without `--workers`. */
async function supervise({ runtime, terminal }: Session, manifest: Manifest, count: number, atOnce: number, { json }: Options): Promise<number> {
  // What keeps every worker from starting is told here, once; and the state and its identity are made by one process, not by each.
  const { state, madeIdentity } = await openStateFor(runtime, manifest)
  await state.close()
  if (madeIdentity !== undefined) progressTo(terminal, true).onNewIdentity?.(madeIdentity)
  const launcher = process.argv[1] ?? ''
  const argv = [launcher, 'run', '--manifest', manifest.file, '--concurrency', String(atOnce), ...(json === true ? ['--json'] : [])]
  if (json !== true) terminal.err(`${count} ${count === 1 ? 'worker' : 'workers'} on ${state.name}${state.kind === 'sqlite' && count > 1 ? ': they take turns at writing; on PostgreSQL they would not' : ''}.`)
  return keepWorkers({
    count,
    start: () => startNode(argv, runtime.env),
    interrupt: runtime.interrupt,
    now: Date.now,
    sleep,
    isHopeless: (code) => code === EXIT.usage || code === EXIT.refused,
    onEnd: ({ worker, code, signal, again }) => terminal.err(`Worker ${worker} ended (${signal ?? `exit ${code ?? '?'}`})${again === undefined ? '; so do the others' : `; it is started again in ${duration(again)}`}.`),
  })
}

function numberOf(option: string, text: string, most: number): number {
  const number = Number(text)
  if (/^[1-9]\d*$/.test(text) && number <= most) return number
  throw new KeyturnError('USAGE', `${option} takes a number from 1 to ${most}`, { hint: 'For example `keyturn run --workers 4 --concurrency 8`.' })
}
