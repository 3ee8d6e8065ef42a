import { type ByHand, type ConsumerByHand, environment, type Instruction, word, words } from '../../by-hand/index.ts'
import { durationOf } from '../../kit/duration.ts'
import { fillArgv } from '../../outside/process/argv.ts'
import type { ConsumerConfig } from './manifest.ts'

/** Signals and restarts by pid file, one process after the other. */
export default {
  consumer: (config: ConsumerConfig): ConsumerByHand => {
    const restarts = 'restart' in config.reload
    const ready = config.instances.some((one) => one.ready !== undefined)
    return {
      tools: ready ? ['curl'] : [],
      asks: 'restart' in config.reload ? environment(config.reload.env).asks : [],
      reload: (pace) => (pace === 'at-once' ? [together(config)] : config.instances.map((one) => inTurn(config, one))),
      // A signal leaves the environment as it was at the start: there is nothing to compare.
      ...(restarts ? { attest: (entries) => ({
        says: 'The environment of each process holds the new value.',
        run: [
          `held() { tr '\\0' '\\n' < "/proc/$(cat "$1")/environ" | grep -Fxq -f <(printf '%s\\n' "$2=$3"); }`,
          `if ${config.instances.flatMap(({ pidFile }) => entries.map(({ key, variable }) => `held ${word(pidFile)} ${word(key)} "$${variable}"`)).join(' && ')}; then echo held; else echo 'one of them holds another value'; fi`,
        ].join('\n'),
        prints: 'held',
      }) } : {}),
    }
  },
} satisfies ByHand

type Instance = ConsumerConfig['instances'][number]

function inTurn(config: ConsumerConfig, instance: Instance): Instruction {
  return {
    says: `${'signal' in config.reload ? 'Have it read its configuration again' : 'Restart it'}: \`${instance.name}\`. Go on only when it is ready again.`,
    run: `${asked(config, instance)}\nif ${isReady(config, instance)}; then echo ready; else echo 'it is not ready'; fi`,
    prints: 'ready',
  }
}

function together(config: ConsumerConfig): Instruction {
  return {
    says: `${'signal' in config.reload ? 'Have all of them read their configuration again' : 'Restart all of them'} at once: ${config.instances.map(({ name }) => `\`${name}\``).join(', ')}.`,
    run: [...config.instances.map((one) => asked(config, one)), `if ${config.instances.map((one) => isReady(config, one)).join(' && ')}; then echo ready; else echo 'one is not ready'; fi`].join('\n'),
    prints: 'ready',
  }
}

function asked({ reload }: ConsumerConfig, { name, pidFile }: Instance): string {
  if ('signal' in reload) return `kill -s ${reload.signal.slice(3)} "$(cat ${word(pidFile)})"`
  return `${environment(reload.env).words}${words(fillArgv(reload.restart, { name: [name] }))} < /dev/null`
}

function isReady({ readyWithin }: ConsumerConfig, { pidFile, ready }: Instance): string {
  const limit = Math.ceil(durationOf(readyWithin) / 1_000)
  return ready === undefined ? `within ${limit} sh -c ${word(`kill -0 "$(cat ${word(pidFile)})"`)} 2> /dev/null` : `within ${limit} curl -fsS -m 5 -o /dev/null ${word(ready)}`
}
