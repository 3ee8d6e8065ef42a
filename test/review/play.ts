import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { drive, type DriveOptions, type Stopped } from '../../src/engine/drive.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import type { Rehearsal } from '../../src/engine/rehearsal.ts'
import { type Opening, openRotation, planSecret } from '../../src/engine/rotate.ts'
import {
  type Answer, type Check, type CheckResult, type Consumer, type Credential, describeConnector, done, type Issuer, refused, type Registry, Secret, type Since, type Store,
} from '../../src/kit/index.ts'
import { generate, ALNUM } from '../../src/kit/generate.ts'
import type { Manifest, SecretSpec, Timing } from '../../src/manifest/model.ts'
import { freshState, NOW } from '../fixture/state.ts'
import { soundEvents } from '../fixture/sound.ts'

/** What the outside does other than well; each is asked at every call. */
export interface Faults {
  mint?: () => Answer<never> | undefined | Promise<undefined>
  /** Whether a credential that is on is accepted right now. */
  accepts?: (id: string) => boolean
  check?: (as: Credential | undefined) => 'pass' | 'fail' | 'inconclusive'
  /** The same in full, where the check compares. */
  look?: (since: Since | undefined) => CheckResult
  /** Whether what was written has arrived where it is read; a store that has no such way when absent. */
  arrived?: () => Answer<{ readonly arrived: boolean; readonly why?: string }>
  complete?: boolean
  /** By how much the issuer's view of uses lags, ms. */
  lag?: number
}

/** A small world in memory: a pair of logins (or one), one store, one consumer, one check, and a clock that only moves by sleeping. */
export class Outside {
  now = NOW
  readonly logins = new Map<string, { password: string; on: boolean }>()
  readonly uses = new Map<string, number>()
  stored: string
  /** What the consumer holds. */
  held: string
  /** Whether the consumer is only ready while its login is let in. */
  needsLogin = false
  /** When the issuer says that every credential expires, unix ms; it says nothing when absent. */
  expiresAt?: number
  faults: Faults = {}
  /** Every effect, in order. */
  readonly effects: string[] = []

  constructor() {
    const password = generate(ALNUM, 32)
    this.logins.set('a', { password, on: true })
    this.stored = `a:${password}`
    this.held = this.stored
  }
}

export interface PlayOptions {
  readonly strategy?: 'alternate' | 'in-place'
  readonly timing?: Partial<Timing>
  readonly consumer?: boolean
  readonly check?: { readonly as?: 'new'; readonly for?: number; readonly compares?: true; readonly after?: true }
  readonly lockout?: number
  /** The consumer cannot show what it holds. */
  readonly inferred?: boolean
  /** From the start. */
  readonly faults?: Faults
  /** What the rotation is opened with. */
  readonly opening?: Partial<Opening>
}

const place = { file: 'keyturn.yaml', line: 1, column: 1 }

export class Killed extends Error {}

/** Opens a rotation in a fresh world. */
export async function play(options: PlayOptions = {}): Promise<{
  readonly outside: Outside
  readonly engine: Engine
  readonly rotation: string
  readonly manifest: Manifest
  /** Ctrl-C. */
  readonly interrupt: AbortController
  /** Drives once. */
  readonly once: (drive?: DriveOptions) => Promise<Stopped>
  /** Drives through the waits until it is closed, needs a person, or waits at a gate. */
  readonly on: (drive?: DriveOptions) => Promise<Stopped>
  /** Dies at this point of the next run. */
  readonly dieAt: (step: string, point: string) => Promise<void>
  readonly events: () => Promise<readonly TimedEvent[]>
}> {
  const outside = new Outside()
  outside.faults = { ...options.faults }
  const state = await freshState()
  let rehearsal: Rehearsal = { at: () => undefined, answer: () => undefined }
  const interrupt = new AbortController()
  const engine: Engine = {
    state, registry: registryOf(outside, options), now: () => outside.now,
    host: (base) => ({ base, now: () => outside.now, resolve: (text) => Promise.resolve(new Secret(text)), conceal: () => undefined }),
    sleep: async (ms, signal) => {
      await setImmediate()
      if (!signal.aborted) outside.now += Math.max(0, Math.ceil(ms))
    },
    get rehearsal() { return rehearsal },
    owner: 'here', isDead: () => false, by: 'somebody', version: '0.0.0', interrupt: interrupt.signal, debug: true, onEvent: () => undefined,
  }
  const manifest = manifestOf(options)
  const made = await planSecret(engine, manifest, 'database', { look: true, ...(state.identity === undefined ? {} : { identity: state.identity }) })
  const rotation = await openRotation(engine, made, { reason: 'a test', ...options.opening })
  const once = (driveOptions: DriveOptions = {}): Promise<Stopped> => drive(engine, rotation, driveOptions)
  const events = (): Promise<readonly TimedEvent[]> => soundEvents(engine, rotation)
  return {
    outside, engine, rotation, manifest, once, events, interrupt,
    on: async (driveOptions) => {
      while (true) {
        const stopped = await once(driveOptions)
        if (stopped.is !== 'waiting' || stopped.why === 'gate') return stopped
        outside.now = Math.max(outside.now, stopped.again)
      }
    },
    dieAt: async (step, point) => {
      rehearsal = { at: (at, where) => { if (at === step && where === point) throw new Killed() }, answer: () => undefined }
      try {
        await once()
      } catch (thrown) {
        if (!(thrown instanceof Killed)) throw thrown
        return
      } finally {
        rehearsal = { at: () => undefined, answer: () => undefined }
      }
      throw new Error(`never came to ${step}/${point}`)
    },
  }
}

function manifestOf(options: PlayOptions): Manifest {
  const used = { use: 'fake', config: {}, place }
  const timing: Timing = { grace: 0, quiet: 1_000, quietEvery: 100, undo: 0, deadline: 2_000, ready: 400, ...options.timing }
  const { as, for: lasting } = options.check ?? {}
  const own = { ...(as === undefined ? {} : { as }), ...(lasting === undefined ? {} : { for: lasting }) }
  const checks = options.check === undefined ? [] : [{ ...used, within: 400, ...own }]
  const secret: SecretSpec = {
    name: 'database', place, lifecycle: 'active', impact: 'none', strategy: options.strategy ?? 'alternate', issuer: used,
    stores: [{ ...used, bind: { DSN: { template: '{user}:{password}' } } }],
    waves: options.consumer === false ? [] : [[used]],
    checks: options.check?.after === true ? [] : checks,
    timing,
  }
  return { file: 'keyturn.yaml', base: '/', system: 'atlas', environment: 'staging', state: '/nowhere', preflight: [], postflight: options.check?.after === true ? checks : [], secrets: { database: secret } }
}

function registryOf(outside: Outside, options: PlayOptions): Registry {
  const schema = z.strictObject({})
  return {
    fake: {
      manifest: describeConnector({ id: 'fake', title: 'Fake', summary: 'All of it.', links: [], families: { issuer: schema, store: schema, consumer: schema, check: schema } }),
      load: () => Promise.resolve({ openIssuer: () => issuer(outside, options), openStore: () => store(outside), openConsumer: () => consumer(outside, options), openCheck: () => check(outside, options) }),
    },
  }
}

function issuer(outside: Outside, options: PlayOptions): Issuer {
  const pair = options.strategy !== 'in-place'
  const accepted = ({ id, fields }: Credential): boolean => {
    const login = outside.logins.get(id)
    return login?.on === true && login.password === fields['password']?.reveal() && (outside.faults.accepts?.(id) ?? true)
  }
  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { user: 'plain', password: 'secret' }, settle: 1_000,
      ...(pair ? { mint: 'adds', slots: 2, ends: ['off', 'gone'] } : { mint: 'replaces', slots: 1, ends: [] }),
      ...(options.lockout === undefined ? {} : { lockout: options.lockout }),
    },
    identity: () => 'principal:fake/a',
    endpoints: () => ['primary'],
    idOf: (fields) => fields['user']?.reveal(),
    propose: (current) => {
      const id = pair && current.id === 'a' ? 'b' : 'a'
      return { id, fields: { user: new Secret(id), password: new Secret(generate(ALNUM, 32)) } }
    },
    preflight: () => Promise.resolve(done({ evidence: {}, fenced: true, notices: [] })),
    observe: () => Promise.resolve(done({
      known: [...outside.logins].map(([id, login]) => ({
        id, state: login.on ? 'on' as const : 'off' as const, uses: (outside.uses.get(id) ?? 0) > 0 ? [{ by: 'job@host', count: outside.uses.get(id) ?? 0 }] : [],
        ...(outside.expiresAt === undefined ? {} : { expiresAt: outside.expiresAt }),
      })),
      complete: outside.faults.complete ?? true, seenUpTo: outside.now - (outside.faults.lag ?? 0),
    })),
    mint: async ({ credential }) => {
      const fault = await outside.faults.mint?.()
      if (fault !== undefined) return fault
      outside.effects.push(`mint ${credential.id}`)
      outside.logins.set(credential.id, { password: credential.fields['password']?.reveal() ?? '', on: true })
      return done({ credential, evidence: {} })
    },
    probe: (credential) => Promise.resolve(done(accepted(credential) ? { verdict: 'accepted', code: '' } : { verdict: 'rejected', code: '28P01' })),
    set: (id, state) => {
      outside.effects.push(`${state} ${id}`)
      const login = outside.logins.get(id)
      if (login !== undefined) login.on = state === 'on'
      if (state !== 'on') outside.uses.delete(id)
      return Promise.resolve(done({ evidence: {} }))
    },
    close: () => Promise.resolve(),
  }
}

function store(outside: Outside): Store {
  return {
    traits: { read: 'value', cas: true },
    identity: () => 'store:fake',
    title: () => 'fake store',
    preflight: () => Promise.resolve(done({ notices: [] })),
    read: () => Promise.resolve(done({ entries: { DSN: new Secret(outside.stored) }, revision: outside.stored })),
    accepts: () => done(undefined),
    write: (patch, revision) => {
      if (revision !== outside.stored) return Promise.resolve(refused('CONFLICT'))
      outside.effects.push('write')
      outside.stored = patch['DSN']?.reveal() ?? ''
      return Promise.resolve(done({ revision: outside.stored }))
    },
    tidy: () => Promise.resolve(done(undefined)),
    ...(outside.faults.arrived === undefined ? {} : { arrived: () => Promise.resolve(outside.faults.arrived?.() ?? done({ arrived: true })) }),
  }
}

function consumer(outside: Outside, options: PlayOptions): Consumer {
  return {
    traits: { attest: options.inferred === true ? 'none' : 'process', reload: 'restart', takes: 10 },
    identity: () => 'consumer:fake',
    title: () => 'fake service',
    preflight: () => Promise.resolve(done({ notices: [] })),
    instances: () => Promise.resolve(done({ all: [{ id: '1', name: 'one', ready: !outside.needsLogin || outside.logins.get(outside.held.split(':')[0] ?? '')?.on === true }], complete: true })),
    reload: () => {
      outside.effects.push('reload')
      outside.held = outside.stored
      return Promise.resolve(done({ evidence: {} }))
    },
    attest: (_instance, next, old) => Promise.resolve(options.inferred === true ? done({ holds: 'unseen', by: 'inferred', evidence: {} }) : done({
      holds: next.entries['DSN']?.reveal() === outside.held ? 'new' : old?.entries['DSN']?.reveal() === outside.held ? 'old' : 'neither', by: 'process', evidence: {},
    })),
  }
}

function check(outside: Outside, options: PlayOptions): Check {
  return {
    traits: { takesCredential: options.check?.as !== undefined, compares: options.check?.compares === true },
    title: () => 'fake check',
    run: (_call, as, since) => {
      const seen = outside.faults.look?.(since)
      if (seen !== undefined) return Promise.resolve(done(seen))
      const login = as === undefined ? undefined : outside.logins.get(as.id)
      const right = as === undefined || login?.password === as.fields['password']?.reveal()
      return Promise.resolve(done({ verdict: outside.faults.check?.(as) ?? (right ? 'pass' : 'fail'), evidence: {} }))
    },
  }
}
