import { setTimeout as pause } from 'node:timers/promises'

/** What clients have seen. */
export interface Tally {
  /** Tokens that were handed out. */
  readonly tokens: number
  /** Times that one was shown to an instance. */
  readonly shown: number
  /** Times that a good one was refused, by the word of the instance. */
  readonly refused: ReadonlyMap<string, number>
}

export interface Clients {
  now(): Tally
  /** Shows the tokens of now for the last time, and ends. */
  stop(): Promise<Tally>
}

/** How many tokens one request asks for, and how often. */
const BATCH = 25
const EVERY_MS = 25

/** Where it is not about how many there are. */
export const SELDOM_MS = 100

/**
 * Clients that ask for tokens all the time and show each of them to every instance, at once and again shortly before it ends. Nobody
 * shows one that has ended: whatever is refused was good.
 */
export function startClients(front: string, instances: number, lifeMs: number, everyMs = EVERY_MS): Clients {
  let tokens = 0
  let shown = 0
  const refused = new Map<string, number>()
  const underway = new Set<Promise<void>>()
  const ending = new AbortController()

  async function post(path: string, body: object, instance?: number): Promise<readonly string[]> {
    const headers = { 'content-type': 'application/json', ...(instance === undefined ? {} : { 'x-instance': String(instance) }) }
    const response = await fetch(`${front}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
    if (!response.ok) return [`status ${response.status}`]
    return (await response.json()) as readonly string[]
  }

  async function show(batch: readonly string[]): Promise<void> {
    for (let instance = 0; instance < instances; instance += 1) {
      for (const verdict of await post('/verify', { tokens: batch }, instance)) {
        // On a busy machine the last showing may come too late: that is the token's own end.
        if (verdict.startsWith('ERR_JWT_EXPIRED')) continue
        shown += 1
        if (verdict !== 'ok') refused.set(verdict, (refused.get(verdict) ?? 0) + 1)
      }
    }
  }

  async function one(): Promise<void> {
    const minted = Date.now()
    const batch = await post('/mint', { count: BATCH })
    tokens += batch.length
    await show(batch)
    // A token says its times in whole seconds, so that it may live almost one less.
    const until = minted + lifeMs - 1_000 - SPARE_MS
    if (Date.now() < until) await pause(until - Date.now())
    if (Date.now() < until + SPARE_MS / 2) await show(batch)
  }

  const loop = (async () => {
    while (!ending.signal.aborted) {
      const each = one().finally(() => underway.delete(each))
      underway.add(each)
      await pause(everyMs)
    }
    await Promise.all(underway)
  })()

  const now = (): Tally => ({ tokens, shown, refused })
  return {
    now,
    stop: async () => {
      ending.abort()
      await loop
      return now()
    },
  }
}

/** The last showing begins so long before the end of a token: it takes a while on a busy machine. */
const SPARE_MS = 600
