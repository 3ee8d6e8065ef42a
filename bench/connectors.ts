import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { type Consumer, describeConnector, done, type Host, type Issuer, type Registry, refused, resourceKey, Secret, type Store } from '../src/kit/index.ts'

/** What the connectors of the benchmark share: what is stored, and who may log in. */
export interface Paper {
  readonly stored: Map<string, Secret>
  readonly accepted: Map<string, Secret>
  /** One reload, in milliseconds; 0 answers at once. */
  readonly reload: number
  /** Told of every reload when it begins. */
  readonly onReload: (ms: number) => void
}

/** A world without a reload time in which `user` logs in with `password` as role `a`. */
export function openPaper(reload = 0, onReload: (ms: number) => void = () => undefined): Paper {
  const password = new Secret('first-0123456789abcdef0123456789')
  return { stored: new Map([['PASSWORD', password], ['LOGIN', new Secret('a')]]), accepted: new Map([['a', password]]), reload, onReload }
}

/** Connectors that answer at once from memory, so that what is measured is the engine. */
export function paperRegistry(paper: Paper): Registry {
  const any = z.looseObject({})
  return {
    paper: {
      manifest: describeConnector({
        id: 'paper', title: 'Paper', summary: 'Answers from memory.', links: [], families: { issuer: any, store: any, consumer: any },
        strategies: ['alternate'], fields: { user: 'plain', password: 'secret' },
      }),
      load: () => Promise.resolve({
        openIssuer: (_: never, host: Host) => issuer(paper, host),
        openStore: (config: { name: string }) => store(paper, config.name),
        openConsumer: (config: { name: string }) => consumer(paper, config.name),
      }),
    },
  }
}

function issuer({ accepted }: Paper, host: Host): Issuer {
  const roles = ['a', 'b']
  let count = 0
  return {
    traits: {
      value: 'chosen', mint: 'adds', acceptor: 'issuer', locate: 'value', slots: 2, settle: 0, ends: ['off', 'gone'],
      fields: { user: 'plain', password: 'secret' },
    },
    identity: () => resourceKey('principal', 'paper', 'a'),
    endpoints: () => ['primary'],
    idOf: (fields) => roles.find((role) => role === fields['user']?.reveal()),
    propose(current) {
      const id = current.id === 'a' ? 'b' : 'a'
      return { id, fields: { user: new Secret(id), password: new Secret(`next-${host.now()}-${(count += 1)}`.padEnd(32, '0')) } }
    },
    preflight: async () => done({ evidence: { server: 'paper' }, fenced: true, notices: [] }),
    observe: async () => done({
      known: roles.map((id) => ({ id, state: accepted.has(id) ? 'on' : 'gone', uses: [] })), complete: true, seenUpTo: host.now(), clock: host.now(),
    }),
    async mint({ credential }) {
      if (credential.fields['password'] !== undefined) accepted.set(credential.id, credential.fields['password'])
      return done({ credential, evidence: { role: credential.id } })
    },
    probe: async ({ id, fields }) => done(accepted.get(id)?.equals(fields['password']) === true ? { verdict: 'accepted', code: '0' } : { verdict: 'rejected', code: '28P01' }),
    async set(id, state) {
      if (state !== 'on') accepted.delete(id)
      return done({ evidence: { role: id } })
    },
    close: async () => undefined,
  }
}

function store({ stored }: Paper, name: string): Store {
  return {
    traits: { read: 'value', cas: true, local: true },
    identity: () => resourceKey('store', 'paper', name),
    title: () => `paper ${name}`,
    preflight: async () => done({ notices: [] }),
    read: async (keys) => done({
      entries: Object.fromEntries(keys.flatMap((key) => { const value = stored.get(`${name}/${key}`) ?? stored.get(key); return value === undefined ? [] : [[key, value]] })),
      revision: '1',
    }),
    accepts: () => done(undefined),
    async write(patch) {
      for (const [key, value] of Object.entries(patch)) if (value !== null) stored.set(`${name}/${key}`, value)
      return done({ revision: '1' })
    },
    tidy: async () => done(undefined),
  }
}

function consumer({ reload, onReload }: Paper, name: string): Consumer {
  const all = [{ id: `${name}@1`, name, ready: true }]
  return {
    traits: { attest: 'challenge', reload: 'graceful', takes: reload, local: true },
    identity: () => resourceKey('consumer', 'paper', name),
    title: () => `paper ${name}`,
    preflight: async () => done({ notices: [] }),
    instances: async () => done({ all, complete: true }),
    async reload(call) {
      onReload(reload)
      if (reload > 0) await pause(reload)
      return call.signal.aborted ? refused('DEADLINE') : done({ evidence: { reloaded: 1 } })
    },
    attest: async () => done({ holds: 'new', by: 'challenge', evidence: {} }),
  }
}
