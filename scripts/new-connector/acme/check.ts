import { z } from 'zod'
import { type Check, done, type Host } from '../../../src/kit/index.ts'
import { ask, placeOf } from './api.ts'
import type { CheckConfig } from './manifest.ts'

// Lenient: what a provider adds to its answers some day is no error here.
const healthSchema = z.object({ status: z.string() })

/**
 * Whether Acme reports the status that is expected. `fail` is what was seen; what could not be looked at is `inconclusive`. Evidence
 * is numbers and labels of our own, never a text of the provider's. The laws are at `Check` in src/kit/check.ts.
 */
export function openCheck(config: CheckConfig, host: Host): Check {
  return {
    // One that logs in with the credential that it is given takes one; then it can prove that the new one works.
    traits: { takesCredential: false },
    title: () => `acme ${placeOf(config.url)}`,
    run: async (call) => {
      const answer = await ask(config, { method: 'GET', path: '/health' }, healthSchema, host, call)
      if (answer.is === 'ask') return answer
      if (answer.is !== 'done') return done({ verdict: 'inconclusive', evidence: { cause: answer.code } })
      return answer.value.status === config.expect
        ? done({ verdict: 'pass', evidence: {} })
        : done({ verdict: 'fail', evidence: { unmet: 'status' } })
    },
  }
}
