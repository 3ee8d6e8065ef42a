import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { type ChildEnd, findCommand, resolveEnvironment, runChild } from '../../outside/process/index.ts'
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
  let env: Readonly<Record<string, Secret>>
  try {
    env = await resolveEnvironment(surroundings.env, host, call)
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
  const limit = surroundings.timeout === undefined ? Infinity : Date.now() + durationOf(surroundings.timeout)
  return runChild(
    {
      argv,
      cwd: folderOf(surroundings, host),
      env,
      quiet: handed.quiet,
      ...(handed.stdin === undefined ? {} : { stdin: handed.stdin }),
      ...(handed.effect ? { lock: call.lock } : {}),
    },
    { signal: call.signal, deadline: Math.min(call.deadline, limit) },
  )
}

/** Whether the folder is there and every command in it or on the PATH. Runs nothing. */
export function present(commands: readonly (readonly string[])[], surroundings: Surroundings, host: Host): Answer<void> {
  const folder = folderOf(surroundings, host)
  const there = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
  if (!there) return refused('COMMAND_MISSING', `no folder ${folder}`)
  const path = surroundings.env?.['PATH'] ?? process.env['PATH'] ?? ''
  const missing = commands.map(([name]) => name ?? '').find((name) => findCommand(name, folder, path) === undefined)
  return missing === undefined ? done(undefined) : refused('COMMAND_MISSING', missing)
}
