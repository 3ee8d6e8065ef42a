import { done, label, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check } from '../../kit/check.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { LoginVerdict } from './failure.ts'
import { loginThrough } from './login.ts'
import type { CheckConfig } from './manifest.ts'
import { readConsoleUrl } from './session.ts'

/**
 * Whether a fresh login with the credential gets through every pooler to its server: the proof by the way that consumers take,
 * beside the issuer's own. A refusal by one of them, or by the server behind it, is a `fail`; one that gives no verdict makes it
 * `inconclusive`.
 */
export function openCheck({ poolers, database }: CheckConfig, host: Host): Check {
  return {
    traits: { takesCredential: true },
    title: () => `pgbouncer ${poolers.map(({ name }) => name).join(', ')}`,
    run: async (call, as) => {
      let worst: { verdict: LoginVerdict; evidence: { code: string; pooler: string } } | undefined
      for (const pooler of poolers) {
        try {
          const place = { ...(await readConsoleUrl(await host.resolve(pooler.console, call))), database }
          const seen = as === undefined ? undefined : await loginThrough(place, as.fields, call)
          if (seen === undefined) return done({ verdict: 'inconclusive', evidence: { cause: 'no-credential' } })
          const { verdict, code } = seen
          if (verdict !== 'accepted' && worst?.verdict !== 'rejected') worst = { verdict, evidence: { code, pooler: label(pooler.name) } }
        } catch (thrown) {
          if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
          throw thrown
        }
      }
      if (worst === undefined) return done({ verdict: 'pass', evidence: { poolers: poolers.length } })
      return done({ verdict: worst.verdict === 'rejected' ? 'fail' : 'inconclusive', evidence: worst.evidence })
    },
  }
}
