import { z } from 'zod'
import { type Answer, type Call, done, type Host, resourceKey, Secret, type Store } from '../../../src/kit/index.ts'
import { ask, placeOf } from './api.ts'
import type { StoreConfig } from './manifest.ts'

// Lenient: what a provider adds to its answers some day is no error here.
const settingsSchema = z.object({ revision: z.string(), settings: z.record(z.string(), z.string()) })
const writtenSchema = z.object({ revision: z.string() })

/**
 * The settings of one project at Acme. Read the laws of each method at `Store` in src/kit/store.ts; `traits` decide which of them
 * the conformance suite applies.
 */
export function openStore(config: StoreConfig, host: Host): Store {
  const place = `${placeOf(config.url)}/${config.project}`
  const path = `/projects/${encodeURIComponent(config.project)}/settings`
  const look = (call: Call): Promise<Answer<z.infer<typeof settingsSchema>>> => ask(config, { method: 'GET', path }, settingsSchema, host, call)

  return {
    // `cas`: a write can be made conditional on what was read. Where a provider has no such condition this is false.
    traits: { read: 'value', cas: true },
    identity: () => resourceKey('store', 'acme', placeOf(config.url), config.project),
    title: () => `acme ${place}`,
    preflight: async (call) => {
      const seen = await look(call)
      return seen.is === 'done' ? done({ notices: [] }) : seen
    },
    read: async (keys, call) => {
      const seen = await look(call)
      if (seen.is !== 'done') return seen
      const { revision, settings } = seen.value
      const asked = Object.entries(settings).filter(([key]) => keys.includes(key))
      return done({ entries: Object.fromEntries(asked.map(([key, value]) => [key, new Secret(value)])), revision })
    },
    // Readers get every text as it was written. Where some would read one otherwise (a line end in an env file), refuse it here.
    accepts: () => done(undefined),
    write: async (patch, ifRevision, call) => {
      const body = Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, value?.reveal() ?? null]))
      return ask(config, { method: 'PATCH', path, headers: { 'if-match': ifRevision }, body }, writtenSchema, host, call)
    },
    // A request that was cut leaves nothing behind.
    tidy: async () => done(undefined),
  }
}
