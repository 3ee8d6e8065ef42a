import { setImmediate } from 'node:timers/promises'
import type { Issuer, Registry } from '../../src/kit/index.ts'

/** The engine's clock. It runs like everybody's, and whatever the engine sleeps through is over at once. */
export interface Clock {
  /** Unix ms. */
  now(): number
  /** By how much it is ahead of the providers' clock, ms. */
  ahead(): number
  /** Lets so much time pass. What is due in it is done at its time. */
  pass(ms: number): Promise<void>
  /** Has this done when so much time has passed. */
  after(ms: number, act: () => Promise<void>): void
}

/** One that begins now. */
export function startClock(): Clock {
  let skipped = 0
  const due: { readonly at: number; readonly act: () => Promise<void> }[] = []
  const now = (): number => Date.now() + skipped
  return {
    now,
    ahead: () => skipped,
    after: (ms, act) => { due.push({ at: now() + ms, act }) },
    async pass(ms) {
      await setImmediate()
      skipped += Math.max(0, Math.ceil(ms))
      for (const { act } of due.splice(0, Infinity, ...due.filter(({ at }) => at > now())).filter(({ at }) => at <= now())) await act()
    },
  }
}

/** The registry with one connector as it looks from the engine's clock: it and its provider live in the time of everybody. */
export function inRealTime(registry: Registry, id: string, clock: Pick<Clock, 'ahead'>): Registry {
  const entry = registry[id]
  if (entry === undefined) throw new Error(`there is no connector ${id}`)
  return {
    ...registry,
    [id]: {
      ...entry,
      load: async () => {
        const { openIssuer, ...others } = await entry.load()
        if (openIssuer === undefined) return others
        return { ...others, openIssuer: (config: never, host) => shifted(openIssuer(config, { ...host, now: () => Date.now() }), clock) }
      },
    },
  }
}

function shifted(issuer: Issuer, { ahead }: Pick<Clock, 'ahead'>): Issuer {
  const real = <C extends { readonly deadline: number }>(call: C): C => ({ ...call, deadline: call.deadline - ahead() })
  const collect = issuer.collect?.bind(issuer)
  return {
    traits: issuer.traits,
    identity: () => issuer.identity(), endpoints: () => issuer.endpoints(), idOf: (fields) => issuer.idOf(fields), propose: (current) => issuer.propose(current), close: () => issuer.close(),
    preflight: (current, next, call) => issuer.preflight(current, next, real(call)),
    mint: (intent, call) => issuer.mint(intent, real(call)),
    probe: (credential, endpoint, call) => issuer.probe(credential, endpoint, real(call)),
    set: (id, state, call) => issuer.set(id, state, real(call)),
    ...(collect === undefined ? {} : { collect: (tag: string, call: Parameters<typeof collect>[1]) => collect(tag, real(call)) }),
    async observe(call) {
      const seen = await issuer.observe(real(call))
      if (seen.is !== 'done') return seen
      const { clock, seenUpTo, ...rest } = seen.value
      return { is: 'done', value: { ...rest, seenUpTo: seenUpTo === 0 ? 0 : seenUpTo + ahead(), ...(clock === undefined ? {} : { clock: clock + ahead() }) } }
    },
  }
}
