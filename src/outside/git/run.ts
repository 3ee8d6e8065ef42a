import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { type ChildEnd, runChild } from '../process/run.ts'
import { failureOf } from './failure.ts'
import { type Remote, remoteName } from './remote.ts'

/** Settings that hold for every command: no hook of this user runs, nothing goes on in the background, and nobody is asked. */
const SETTINGS = ['core.hooksPath=/dev/null', 'core.askPass=', 'credential.interactive=false', 'gc.auto=0', 'maintenance.auto=false', 'advice.detachedHead=false']

/** Variables by which git and ssh log in as this user, beside those that every child gets. */
const LOGIN = ['SSH_AUTH_SOCK', 'XDG_CONFIG_HOME', 'GIT_SSH_COMMAND', 'GIT_CONFIG_GLOBAL'] as const

export interface GitCommand {
  readonly words: readonly string[]
  /** Written to its standard input. Never a value: what git keeps is sealed. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** It may change the remote: what is not certain is unknown then, and a successor waits for it. */
  readonly effect?: true
}

/** What a command printed. */
export interface GitSaid {
  readonly bytes: Buffer
  readonly text: string
}

/**
 * Runs git in one repository, without a prompt (gitcredentials(7), GIT_TERMINAL_PROMPT in git(1)) and without the user's hooks.
 * Done with exit code 0; what else it says is matched and never passed on: it may quote a line of a server. What is not an effect
 * changes nothing, so its failures are refusals.
 */
export async function runGit(folder: string, remote: Remote, { words, input, env = {}, effect }: GitCommand, call: Call): Promise<Answer<GitSaid>> {
  const out: Buffer[] = []
  let err = ''
  const argv = ['git', '-C', folder, ...SETTINGS.flatMap((each) => ['-c', each]), ...words]
  const ran = await runChild(
    {
      argv, cwd: '/', env: { ...environment(remote), ...env },
      ...(input === undefined ? {} : { stdin: new Secret(input) }),
      ...(effect === true ? { lock: call.lock } : {}),
      hear: (stream, chunk) => {
        if (stream === 'stdout') out.push(chunk)
        else if (err.length < 64 * 1024) err += chunk.toString()
      },
    },
    call,
  )
  const about = `${remote.branch} of ${remoteName(remote.url)}`
  if (ran.is !== 'done') return ran.is === 'unknown' && effect !== true ? refused(ran.code, about) : ran
  const bytes = Buffer.concat(out)
  if (ran.value.exit === 0) return done({ bytes, text: bytes.toString() })
  return failed(ran.value, `${bytes.toString()}\n${err}`, about, effect === true)
}

function failed({ exit }: ChildEnd, said: string, about: string, effect: boolean): Answer<never> {
  const failure = failureOf(said)
  const evidence = { exit, ...(failure === undefined ? {} : { git: failure.word }) }
  if (failure?.certain === true || !effect) return refused(failure?.code ?? 'SERVER_ERROR', about, evidence)
  return unknown(failure?.code ?? 'SERVER_ERROR', about, evidence)
}

function environment({ authorization, url }: Remote): Record<string, string | Secret> {
  const env: Record<string, string | Secret> = { GIT_TERMINAL_PROMPT: '0', GCM_INTERACTIVE: 'never', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }
  for (const name of LOGIN) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  if (authorization === undefined) return env
  // In the environment and for this address only: everybody can see arguments, and a redirect must not take it along.
  return { ...env, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `http.${url}.extraHeader`, GIT_CONFIG_VALUE_0: new Secret(`Authorization: ${authorization.reveal()}`) }
}
