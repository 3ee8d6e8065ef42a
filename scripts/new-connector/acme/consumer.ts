import { z } from 'zod'
import { type Consumer, done, type Host, resourceKey } from '../../../src/kit/index.ts'
import { ask, placeOf } from './api.ts'
import type { ConsumerConfig } from './manifest.ts'

// Lenient: what a provider adds to its answers some day is no error here.
const listSchema = z.object({ instances: z.array(z.object({ id: z.string(), name: z.string(), ready: z.boolean(), started: z.number() })) })

/**
 * A service that Acme runs, as several instances. Read the laws of each method at `Consumer` in src/kit/consumer.ts; `traits`
 * decide which of them the conformance suite applies.
 */
export function openConsumer(config: ConsumerConfig, host: Host): Consumer {
  const path = `/services/${encodeURIComponent(config.service)}`
  const list: Consumer['instances'] = async (call) => {
    const answer = await ask(config, { method: 'GET', path: `${path}/instances` }, listSchema, host, call)
    if (answer.is !== 'done') return answer
    return done({ all: answer.value.instances.map(({ started, ...instance }) => ({ ...instance, startedAt: started })), complete: true })
  }

  return {
    // `takes`: an estimate of one reload, ms. `attest: 'none'`: Acme cannot tell what an instance holds, so a manifest has to name
    // an attestor for it.
    traits: { attest: 'none', reload: 'restart', takes: 10_000 },
    identity: () => resourceKey('consumer', 'acme', placeOf(config.url), config.service),
    title: () => `acme ${config.service}`,
    preflight: async (call) => {
      const seen = await list(call)
      return seen.is === 'done' ? done({ notices: [] }) : seen
    },
    instances: list,
    // Acme answers when every instance is ready again. Where a provider answers at once, ask here until they are.
    reload: async (call) => {
      const answer = await ask(config, { method: 'POST', path: `${path}/restart` }, z.unknown(), host, call)
      return answer.is === 'done' ? done({ evidence: {} }) : answer
    },
    attest: async () => done({ holds: 'unseen', by: 'inferred', evidence: {} }),
  }
}
