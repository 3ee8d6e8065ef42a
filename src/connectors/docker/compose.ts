import { resolve } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { type ChildEnd, findCommand, resolveEnvironment, runChild, succeeded } from '../../outside/process/index.ts'
import type { Container } from './container.ts'
import type { ComposeConfig } from './manifest.ts'

/** 1: `docker-compose` in Python, up to 1.29. 2: all in Go since, whatever number they have: 2.x, 5.x. */
export type Generation = 1 | 2

/** The command line of compose that is here. */
export interface Compose {
  readonly generation: Generation
  /** The services that its files name; `refused` when it cannot read them. Changes nothing. */
  services(call: Call): Promise<Answer<readonly string[]>>
  /**
   * Has so many containers of the service run, each new one with the environment that the files say now. `only-missing` leaves
   * those alone that are there, `all` replaces every one at the same time. Neither touches other services, nor builds an image.
   */
  up(which: 'only-missing' | 'all', count: number, call: Call): Promise<Answer<void>>
}

/** Which generation made a container: its label says `1.29.2`; those in Go put their version there, or nothing. */
export function madeBy({ Config: { Labels } }: Container): Generation {
  return Labels['com.docker.compose.version']?.startsWith('1.') === true ? 1 : 2
}

/**
 * Finds the compose to use: of those that are here the one of the generation that made the containers, else the first. `docker
 * compose` is asked before `docker-compose`. `refused` COMMAND_MISSING when there is none.
 */
export async function findCompose(config: ComposeConfig, socket: string, made: Generation | undefined, host: Host, call: Call): Promise<Answer<Compose>> {
  const cwd = resolve(host.base, config.folder)
  const candidates = config.command === undefined ? [['docker', 'compose'], ['docker-compose']] : [config.command]
  let first: Compose | undefined
  for (const argv of candidates) {
    if (findCommand(argv[0] ?? '', cwd, process.env['PATH'] ?? '') === undefined) continue
    const run = runnerOf(argv, cwd, config, socket, host)
    const said = await run(['version', '--short'], call)
    if (said.is !== 'done' && said.is !== 'refused') return said
    // A `docker` without the plugin takes the words for its own and does not know them.
    if (said.is !== 'done' || said.value.exit !== 0) continue
    const found = composeOf(/^v?1\./.test(said.value.stdout.trim()) ? 1 : 2, run, config)
    if (made === undefined || found.generation === made) return done(found)
    first ??= found
  }
  return first === undefined ? refused('COMMAND_MISSING', candidates.map((argv) => argv.join(' ')).join(', ')) : done(first)
}

type Run = (words: readonly string[], call: Call, effect?: 'effect') => Promise<Answer<ChildEnd>>

function runnerOf(argv: readonly string[], cwd: string, config: ComposeConfig, socket: string, host: Host): Run {
  return async (words, call, effect) => {
    try {
      const env = { DOCKER_HOST: `unix://${socket}`, ...(await resolveEnvironment(config.env, host, call)) }
      // What `up` prints is not even read; what the looks print are names.
      return await runChild({ argv: [...argv, ...words], cwd, env, ...(effect === undefined ? {} : { quiet: true, lock: call.lock }) }, call)
    } catch (thrown) {
      if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
      throw thrown
    }
  }
}

function composeOf(generation: Generation, run: Run, { project, service, files = [], envFile }: ComposeConfig): Compose {
  const words = ['-p', project, ...files.flatMap((file) => ['-f', file]), ...(envFile === undefined ? [] : ['--env-file', envFile])]
  return {
    generation,
    services: async (call) => {
      const said = await run([...words, 'config', '--services'], call)
      if (said.is !== 'done') return said
      // A look, so that it failed is certain.
      if (said.value.exit !== 0) return refused('COMMAND_FAILED', 'compose cannot read its files', { exit: said.value.exit })
      return done(said.value.stdout.split(/\s+/).filter((name) => name !== ''))
    },
    up: async (which, count, call) => {
      const how = which === 'all' ? '--force-recreate' : '--no-recreate'
      const ran = succeeded(await run([...words, 'up', '-d', '--no-deps', '--no-build', how, '--scale', `${service}=${count}`, service], call, 'effect'), service)
      return ran.is === 'done' ? done(undefined) : ran
    },
  }
}
