import { type ByHand, type ConsumerByHand, type Entry, environment, type Instruction, word, words } from '../../by-hand/index.ts'
import { durationOf } from '../../kit/duration.ts'
import type { ComposeConfig, ConsumerConfig } from './manifest.ts'

/** Containers are made anew: a restart keeps the environment that they were created with (C-06). */
export default {
  consumer: (config: ConsumerConfig): ConsumerByHand => {
    const { compose, container, socket } = config
    const at = socket === '/var/run/docker.sock' ? '' : `DOCKER_HOST=${word(`unix://${socket}`)} `
    const listed = compose === undefined
      ? `${at}docker ps -q --filter ${word(`name=^/?${container?.name ?? ''}$`)}`
      : `${at}docker ps -q --filter ${word(`label=com.docker.compose.project=${compose.project}`)} --filter ${word(`label=com.docker.compose.service=${compose.service}`)}`
    const ready = isReady(listed, compose?.scale ?? 1, Math.ceil(durationOf(config.readyWithin) / 1_000))
    return {
      tools: ['docker'],
      asks: environment(compose?.env).asks,
      reload: () => [compose === undefined ? again(container?.name ?? '', ready) : up(compose, at, ready)],
      attest: (entries) => held(listed, entries, at),
    }
  },
} satisfies ByHand

function up({ project, service, folder, files = [], envFile, scale, command, env }: ComposeConfig, at: string, ready: string): Instruction {
  const argv = [...(command ?? ['docker', 'compose']), '-p', project, ...files.flatMap((file) => ['-f', file]), ...(envFile === undefined ? [] : ['--env-file', envFile]), 'up', '-d', '--no-deps', '--no-build', '--force-recreate', '--scale', `${service}=${scale}`, service]
  return {
    says: `Make the containers of \`${service}\` anew, with the environment that the files say now. \`restart\` would keep the old one.${scale > 1 ? ' All are replaced at the same time; keyturn does it one after the other.' : ''}`,
    run: `if (cd ${word(folder)} && ${at}${environment(env).words}${words(argv)} < /dev/null) && ${ready}; then echo ready; else echo 'not ready'; fi`,
    prints: 'ready',
  }
}

function again(name: string, ready: string): Instruction {
  return {
    says: `Make the container \`${name}\` anew: \`docker stop\` and \`docker rm\`, then the \`docker run\` that made it, with the same \`--env-file\`. \`docker restart\` would keep the old environment. Then:`,
    run: `if ${ready}; then echo ready; else echo 'not ready'; fi`,
    prints: 'ready',
  }
}

function isReady(listed: string, count: number, seconds: number): string {
  return `within ${seconds} sh -c ${word(`[ "$(${listed} --filter status=running | wc -l)" -eq ${count} ] && [ -z "$(${listed} --filter health=starting --filter health=unhealthy)" ]`)}`
}

/** The environment that each container was created with; it goes through a pipe, and is not shown. */
function held(listed: string, entries: readonly Entry[], at: string): Instruction {
  return {
    says: 'Every container was created with this value. One that takes it from a mounted file in place of its environment is seen here as holding another: look into that file then.',
    run: [
      `held() { ${at}docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$1" | grep -Fxq -f <(printf '%s\\n' "$2=$3"); }`,
      'all=held',
      `for container in $(${listed}); do ${entries.map(({ key, variable }) => `held "$container" ${word(key)} "$${variable}"`).join(' && ')} || all="$container holds another value"; done`,
      'echo "$all"',
    ].join('\n'),
    prints: 'held',
  }
}
