import { resolve } from 'node:path'
import { label } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'
import { locate } from '../../outside/file/target.ts'
import { fillArgv, resolveEnvironment, runChild } from '../../outside/process/index.ts'
import { type Mark, markOf, readFile } from './file.ts'
import { Lines } from './lines.ts'
import type { Source } from './manifest.ts'
import type { Tally } from './tally.ts'

/** What came of reading one source; the numbers are in its tally. */
export interface Reached {
  /** Whether all since the moment was there to be read. */
  readonly whole: boolean
  /** Why it could not be read, a label: an errno, a code, `exit 1`. */
  readonly cause?: string
}

/** For plans and messages. */
export function titleOf(source: Source): string {
  return 'file' in source ? source.file : source.run.join(' ')
}

/** Reads one source from a moment on, unix ms, into the tally. Never throws. */
export async function readSource(source: Source, from: number, mark: Mark | undefined, tally: Tally, host: Host, call: Call): Promise<Reached> {
  try {
    if ('run' in source) return await readCommand(source, from, tally, host, call)
    return { whole: await readFile(locate(source.file, host.base), { from, mark }, tally, call.signal) }
  } catch (thrown) {
    return { whole: false, cause: call.signal.aborted ? 'DEADLINE' : causeOf(thrown) }
  }
}

/** Where a file stands now; a command needs no mark. A label in place of it when it cannot be read. */
export async function markSource(source: Source, host: Host): Promise<Mark | string | undefined> {
  if (!('file' in source)) return undefined
  try {
    return await markOf(locate(source.file, host.base), host.now())
  } catch (thrown) {
    return causeOf(thrown)
  }
}

async function readCommand(source: Extract<Source, { readonly run: readonly string[] }>, from: number, tally: Tally, host: Host, call: Call): Promise<Reached> {
  const argv = fillArgv(source.run, { since: [new Date(from).toISOString()], epoch: [String(Math.floor(from / 1000))] })
  // One that is told the time answers with what is since then, by its own clock; of others the lines say when they were written.
  const windowed = argv.join(' ') !== source.run.join(' ')
  const stretch = windowed ? { untimed: true, notBefore: Infinity } : { untimed: false }
  const streams = { stdout: new Lines(tally.stretch(stretch)), stderr: new Lines(tally.stretch(stretch)) }
  const answer = await runChild(
    {
      argv,
      cwd: resolve(host.base, source.cwd ?? '.'),
      env: await resolveEnvironment(source.env, host, call),
      hear: (stream, chunk) => streams[stream].push(chunk),
    },
    { signal: call.signal, deadline: Math.min(call.deadline, Date.now() + durationOf(source.timeout)) },
  )
  for (const stream of Object.values(streams)) stream.end()
  if (answer.is === 'ask') return { whole: false, cause: 'ask' }
  if (answer.is !== 'done') return { whole: false, cause: answer.code }
  if (answer.value.exit !== 0) return { whole: false, cause: `exit ${answer.value.exit}` }
  return { whole: windowed || tally.reachesBack }
}

function causeOf(thrown: unknown): string {
  if (thrown instanceof KeyturnError) return thrown.code
  const { name, code } = reduceCause(thrown)
  return label(code ?? name)
}
