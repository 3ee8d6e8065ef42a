import { done, unknown } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Notifier } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import type { NotifierConfig } from './manifest.ts'
import { run } from './run.ts'

/**
 * Hands notices to a command, as one line of JSON on its standard input: everybody can see arguments. What it prints is not read. Any
 * exit code but 0 leaves open what it did, so it gets the same notice again, with the same `id`.
 */
export function openNotifier(config: NotifierConfig, host: Host): Notifier {
  const title = `command ${config.run.join(' ')}`
  return {
    title: () => title,
    notify: async (notice, call) => {
      const stdin = new Secret(`${JSON.stringify(notice)}\n`)
      const answer = await run(config.run, config, { stdin, quiet: true, effect: false }, host, call)
      if (answer.is !== 'done') return answer
      const { exit, took } = answer.value
      return exit === 0 ? done(undefined) : unknown('COMMAND_FAILED', config.run[0], { exit, took })
    },
  }
}
