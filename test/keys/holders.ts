import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { describeConnector, done, type Presented, type Registry } from '../../src/kit/index.ts'

/** One running instance, in this process: the keys that it read when it was last reloaded. */
export interface Holder {
  readonly name: string
  signs: string
  accepts: readonly string[]
}

/** Instances that sign and check, and every token that they have handed out. */
export interface Holders {
  readonly all: readonly Holder[]
  /** Each hands out a token now, and each is shown every token that has not ended; what is refused is kept. */
  use(now: number): void
  /** Tokens that were good and were refused, in words. */
  readonly refused: readonly string[]
  /** How many were handed out, and how often one was shown. */
  count(): { readonly tokens: number; readonly shown: number }
  /** They read the file again, one after the other, and go on with their work in between. */
  reload(now: () => number): void
}

/** Instances that hold what is in the file now, whose tokens live so long. */
export function startHolders(file: string, lifeMs: number): Holders {
  const read = (): Pick<Holder, 'signs' | 'accepts'> => {
    const { KEY = '', KEY_PREVIOUS = '' } = parseEnv(readFileSync(file, 'utf8'))
    return { signs: KEY, accepts: [KEY, ...(KEY_PREVIOUS === '' ? [] : [KEY_PREVIOUS])] }
  }
  const all = ['api-1', 'api-2', 'api-3'].map((name): Holder => ({ name, ...read() }))
  const refused: string[] = []
  // Of two tokens of one key the later one says more.
  const alive = new Map<string, { readonly by: string; readonly until: number }>()
  let [tokens, shown] = [0, 0]
  const use = (now: number): void => {
    for (const { name, signs } of all) {
      alive.set(signs, { by: name, until: now + lifeMs })
      tokens += 1
    }
    for (const [key, { by, until }] of alive) {
      if (now >= until) continue
      for (const { name, accepts } of all) {
        shown += 1
        if (!accepts.includes(key)) refused.push(`${name} refuses a token of ${by}`)
      }
    }
  }
  return {
    all, use, refused,
    count: () => ({ tokens, shown }),
    reload: (now) => {
      for (const one of all) {
        use(now())
        Object.assign(one, read())
        use(now())
      }
    },
  }
}

/** The connector `holders`, a consumer. */
export function holdersConnector(holders: Holders, now: () => number): Registry[string] {
  const held = (shown: Presented | undefined, { signs, accepts }: Holder): boolean => {
    const values = [shown?.fields, ...(shown?.others ?? [])].map((fields) => fields?.['value']?.reveal())
    return values[0] === signs && values.length === accepts.length && values.every((value) => value !== undefined && accepts.includes(value))
  }
  return {
    manifest: describeConnector({ id: 'holders', title: 'Holders', summary: 'For tests.', links: [], families: { consumer: z.strictObject({ name: z.string() }) } }),
    load: () => Promise.resolve({
      openConsumer: () => ({
        traits: { attest: 'challenge' as const, reload: 'graceful' as const, takes: 10, local: true },
        identity: () => 'consumer:holders/api',
        title: () => 'holders api',
        preflight: async () => done({ notices: [] }),
        instances: async () => done({ all: holders.all.map(({ name }) => ({ id: name, name, ready: true })), complete: true }),
        reload: async () => {
          holders.reload(now)
          return done({ evidence: { reloaded: holders.all.length } })
        },
        attest: async (instance: { readonly name: string }, next: Presented, old: Presented | undefined) => {
          const one = holders.all.find(({ name }) => name === instance.name)
          const holds = one === undefined ? 'unseen' as const : held(next, one) ? 'new' as const : held(old, one) ? 'old' as const : 'neither' as const
          return done({ holds, by: 'challenge' as const, evidence: {} })
        },
      }),
    }),
  }
}
