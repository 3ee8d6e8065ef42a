import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { type Answer, type Attestation, describeConnector, done, type Entries, type Registry } from '../../src/kit/index.ts'

type Held = Readonly<Record<string, string | undefined>>

/** The connector `service`, a consumer: one instance in this process, which holds what stood in the env file when it was last reloaded. */
export function serviceAt(envFile: string): Registry[string] {
  const read = (): Held => parseEnv(readFileSync(envFile, 'utf8'))
  let held = read()
  const holds = (entries: Entries | undefined): boolean => entries !== undefined && Object.entries(entries).every(([key, value]) => held[key] === value.reveal())
  return {
    manifest: describeConnector({ id: 'service', title: 'Service', summary: 'For tests.', links: [], families: { consumer: z.strictObject({}) } }),
    load: () => Promise.resolve({
      openConsumer: () => ({
        traits: { attest: 'challenge' as const, reload: 'graceful' as const, takes: 10, local: true },
        identity: () => 'consumer:service',
        title: () => 'service',
        preflight: async () => done({ notices: [] }),
        instances: async () => done({ all: [{ id: 'app#1', name: 'app', ready: true }], complete: true }),
        reload: async () => {
          held = read()
          return done({ evidence: { reloaded: 1 } })
        },
        attest: async (_instance: unknown, next: { readonly entries: Entries }, old: { readonly entries: Entries } | undefined): Promise<Answer<Attestation>> =>
          done({ holds: holds(next.entries) ? 'new' : holds(old?.entries) ? 'old' : 'neither', by: 'challenge', evidence: {} }),
      }),
    }),
  }
}
