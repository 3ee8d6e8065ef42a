import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { type ChildEnd, findCommand, resolveEnvironment, runChild } from '../../outside/process/index.ts'
import { type Asking, type AskedAll, runOnTerminal, terminalsReady } from '../../outside/process/terminal.ts'
import { type Asks, questionsFor } from './asks.ts'
import type { CheckConfig } from './manifest.ts'

/** Where and how long a configured command runs. */
export type Surroundings = Pick<CheckConfig, 'cwd' | 'env' | 'timeout'>

export interface Handed {
  /** Written to standard input: see {@link asInput}. */
  readonly stdin?: Secret
  /** Nothing that it prints is read. */
  readonly quiet: boolean
  /** An effect: a successor waits for it. */
  readonly effect: boolean
}

export function folderOf({ cwd }: Surroundings, host: Host): string {
  return resolve(host.base, cwd ?? '.')
}

/** A credential, or what there is of it, as the one line of JSON that commands read. */
export function asInput({ id, fields }: { readonly id?: string; readonly fields: Fields }): Secret {
  const revealed = Object.entries(fields).map(([name, field]) => [name, field.reveal()] as const)
  return new Secret(`${JSON.stringify({ id, fields: Object.fromEntries(revealed) })}\n`)
}

/** Runs a configured command. Its own time limit ends it like the deadline does. */
export async function run(
  argv: readonly string[],
  surroundings: Surroundings,
  handed: Handed,
  host: Host,
  call: Call,
): Promise<Answer<ChildEnd>> {
  const env = await resolved(() => resolveEnvironment(surroundings.env, host, call))
  if (env.is !== 'done') return env
  return runChild(
    {
      argv,
      cwd: folderOf(surroundings, host),
      env: env.value,
      quiet: handed.quiet,
      ...(handed.stdin === undefined ? {} : { stdin: handed.stdin }),
      ...(handed.effect ? { lock: call.lock } : {}),
    },
    within(surroundings, call),
  )
}

/** Runs a configured command on a terminal, and answers what it asks there. */
export async function converse(argv: Asking['argv'], surroundings: Surroundings, asks: NonNullable<Asks>, handed: { readonly fields: Fields; readonly plain: readonly string[] }, host: Host, call: Call): Promise<Answer<AskedAll>> {
  const given = await resolved(async () => ({ env: await resolveEnvironment(surroundings.env, host, call), questions: await questionsFor(asks, handed.fields, handed.plain, host, call) }))
  if (given.is !== 'done') return given
  return runOnTerminal({ argv, cwd: folderOf(surroundings, host), ...given.value, lock: call.lock }, within(surroundings, call))
}

async function resolved<T>(resolving: () => Promise<T>): Promise<Answer<T>> {
  try {
    return done(await resolving())
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

function within({ timeout }: Surroundings, call: Call): Pick<Call, 'signal' | 'deadline'> {
  const limit = timeout === undefined ? Infinity : Date.now() + durationOf(timeout)
  return { signal: call.signal, deadline: Math.min(call.deadline, limit) }
}

/** Whether the folder is there, every command, and what gives one that asks a terminal. Runs nothing. */
export async function runnable(commands: readonly (readonly string[])[], surroundings: Surroundings, asks: Asks, host: Host): Promise<Answer<void>> {
  const found = present(commands, surroundings, host)
  return found.is !== 'done' || asks === undefined ? found : terminalsReady(process.env['PATH'] ?? '')
}

/** Whether the folder is there and every command in it or on the PATH. Runs nothing. */
function present(commands: readonly (readonly string[])[], surroundings: Surroundings, host: Host): Answer<void> {
  const folder = folderOf(surroundings, host)
  const there = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
  if (!there) return refused('COMMAND_MISSING', `no folder ${folder}`)
  const path = surroundings.env?.['PATH'] ?? process.env['PATH'] ?? ''
  const missing = commands.map(([name]) => name ?? '').find((name) => findCommand(name, folder, path) === undefined)
  return missing === undefined ? done(undefined) : refused('COMMAND_MISSING', missing)
}
