import { done } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check } from '../../kit/check.ts'
import { unmet } from '../../outside/expectation.ts'
import type { CheckConfig } from './manifest.ts'
import { asInput, run } from './run.ts'

/**
 * A command as a check: its exit code and, where expected, what it prints. Evidence holds numbers and the name of the expectation
 * that does not hold, nothing of the output. One that did not end in time is `inconclusive`.
 */
export function openCheck(config: CheckConfig, host: Host): Check {
  const { credential, expect } = config
  return {
    traits: { takesCredential: credential === 'stdin' },
    title: () => `command ${config.run.join(' ')}`,
    run: async (call, as) => {
      const takes = credential === 'stdin'
      if (takes && as === undefined) return done({ verdict: 'inconclusive', evidence: { cause: 'no-credential' } })
      const stdin = takes && as !== undefined ? { stdin: asInput({ fields: as.fields }) } : {}
      const handed = { quiet: expect.stdout === undefined, effect: false, ...stdin }
      const answer = await run(config.run, config, handed, host, call)
      if (answer.is === 'unknown') return done({ verdict: 'inconclusive', evidence: { cause: answer.code } })
      if (answer.is !== 'done') return answer
      const { exit, took, stdout, complete } = answer.value
      if (exit !== expect.exit) return done({ verdict: 'fail', evidence: { exit, took, unmet: 'exit' } })
      const missing = expect.stdout === undefined ? undefined : complete ? unmet(expect.stdout, stdout) : 'length'
      if (missing === undefined) return done({ verdict: 'pass', evidence: { exit, took } })
      return done({ verdict: 'fail', evidence: { exit, took, unmet: missing } })
    },
  }
}
