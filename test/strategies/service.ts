import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { type Answer, type Attestation, describeConnector, done, type Pace, type Registry } from '../../src/kit/index.ts'

/** The key of the env file. */
export const KEY = 'TOKEN'

/** The one thing in an env file that services take. */
export function tokenIn(file: string): string {
  return parseEnv(readFileSync(file, 'utf8'))[KEY] ?? ''
}

/** One running instance, in this process: it reads the env file when it is reloaded, and keeps what it read. */
export interface ServiceInstance {
  readonly name: string
  holds: string
  /** Whether it can show what it holds. */
  proves: boolean
  ready: boolean
}

/** A service whose instances live in this process. */
export interface Service {
  /** What runs now; an instance that is taken out of it is gone. */
  instances: ServiceInstance[]
  /** The pace of each reload so far. */
  readonly reloads: (Pace | undefined)[]
}

/** A service with so many instances that hold what is in the file now. */
export function startService(envFile: string, count = 2): Service {
  const holds = tokenIn(envFile)
  const instances = Array.from({ length: count }, (_, index) => ({ name: `app-${index + 1}`, holds, proves: true, ready: true }))
  return { instances, reloads: [] }
}

/** The connector `service`, a consumer: `services` by the name that its block gives. */
export function serviceConnector(services: Readonly<Record<string, Service>>, envFile: string): Registry[string] {
  const schema = z.strictObject({ name: z.string() })
  return {
    manifest: describeConnector({ id: 'service', title: 'Service', summary: 'For tests.', links: [], families: { consumer: schema } }),
    load: () => Promise.resolve({
      openConsumer: ({ name }: { name: string }) => {
        const running = (): readonly ServiceInstance[] => services[name]?.instances ?? []
        return {
          traits: { attest: 'challenge' as const, reload: 'graceful' as const, takes: 10, local: true },
          identity: () => `consumer:service/${name}`,
          title: () => `service ${name}`,
          preflight: async () => done({ notices: [] }),
          instances: async () => done({ all: running().map((one) => ({ id: `${one.name}#1`, name: one.name, ready: one.ready })), complete: true }),
          reload: async (_call: unknown, pace?: Pace) => {
            services[name]?.reloads.push(pace)
            for (const one of running()) one.holds = tokenIn(envFile)
            return done({ evidence: { reloaded: running().length } })
          },
          attest: async (instance: { name: string }, next: Shown, old: Shown | undefined): Promise<Answer<Attestation>> => {
            const one = running().find((each) => each.name === instance.name)
            if (one === undefined || !one.proves) return done({ holds: 'unseen', by: 'challenge', evidence: {} })
            const holds = next.fields['token']?.reveal() === one.holds ? 'new' : old?.fields['token']?.reveal() === one.holds ? 'old' : 'neither'
            return done({ holds, by: 'challenge', evidence: {} })
          },
        }
      },
    }),
  }
}

type Shown = { readonly fields: Readonly<Record<string, { reveal(): string } | undefined>> }
