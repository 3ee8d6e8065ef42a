import { done } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Attestor } from '../../kit/consumer.ts'
import { consoleFailure } from './failure.ts'
import type { AttestorConfig } from './manifest.ts'
import { readConsoleUrl, within } from './session.ts'

/**
 * As which role an instance is logged in at the poolers (SHOW CLIENTS, by its application name). It sees clients that are idle too,
 * which PostgreSQL does not while a pooler has no server connection for them. One client of the old role is `old`. Where both
 * credentials have one role, or the instance is not connected, it sees nothing.
 */
export function openAttestor({ poolers, application }: AttestorConfig, host: Host): Attestor {
  return {
    proof: 'issuer',
    attest: async (instance, next, old, call) => {
      const [user, before] = [next.fields['user']?.reveal(), old?.fields['user']?.reveal()]
      if (user === undefined || user === before) return done({ holds: 'unseen', by: 'issuer', evidence: { cause: 'one-role' } })
      const wanted = application.replaceAll('{name}', instance.name)
      const count = { new: 0, old: 0, others: 0 }
      for (const pooler of poolers) {
        try {
          const place = await readConsoleUrl(await host.resolve(pooler.console, call))
          for (const client of await within(place, call, (query) => query('SHOW CLIENTS'))) {
            if (client['application_name'] !== wanted || client['database'] === 'pgbouncer') continue
            count[client['user'] === user ? 'new' : client['user'] === before ? 'old' : 'others'] += 1
          }
        } catch (thrown) {
          const failed = consoleFailure(thrown, pooler.name, call)
          return done({ holds: 'unseen', by: 'issuer', evidence: { cause: failed.is === 'refused' || failed.is === 'unknown' ? failed.code : failed.is } })
        }
      }
      const holds = count.old > 0 ? 'old' : count.others > 0 ? 'neither' : count.new > 0 ? 'new' : 'unseen'
      return done({ holds, by: 'issuer', evidence: count })
    },
  }
}
