import { existsSync, readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { registry } from './connectors.gen.ts'
import type { Engine } from './engine/engine.ts'
import type { TimedEvent } from './engine/event.ts'
import { ownerIsDead, ownerOf } from './engine/owner.ts'
import type { Progress } from './engine/progress.ts'
import { parseRehearsal } from './engine/rehearsal.ts'
import type { Planner } from './engine/rotate.ts'
import { type Host, KeyturnError, label, type Secret } from './kit/index.ts'
import type { Manifest } from './manifest/model.ts'
import { resolveReference } from './manifest/reference.ts'
import { type Identity, identityPath, readIdentity } from './state/identity.ts'
import { openState, type State } from './state/open.ts'

/** What keyturn takes from the process that it runs in. */
export interface Runtime {
  /** Where references, the identity's place and rehearsals come from. */
  readonly env: NodeJS.ProcessEnv
  /** Ends a run after the step at hand is on disk. */
  readonly interrupt: AbortSignal
  /** Told of every value that must not be printed from now on. */
  readonly conceal: (secret: Secret) => void
}

/** What planning needs; no state is opened and nothing is changed. */
export function plannerFor(runtime: Runtime): Planner {
  return { registry, now: Date.now, host: (base) => hostFor(runtime, base) }
}

/** The identity if there is one already; planning works without. */
export async function knownIdentity(runtime: Runtime): Promise<Identity | undefined> {
  const path = identityPath(runtime.env)
  return existsSync(path) ? readIdentity(path) : undefined
}

/** Opens the state for something that changes it; the first time makes it, and the identity (`madeIdentity` is its path then). */
export async function openStateFor(runtime: Runtime, manifest: Manifest): Promise<{ readonly state: State; readonly madeIdentity?: string }> {
  const path = identityPath(runtime.env)
  const known = existsSync(path)
  const state = await openState(manifest.state, path, true)
  return known ? { state } : { state, madeIdentity: path }
}

/** Opens the state only to look; works without the identity. */
export function openStateToRead(manifest: Manifest): Promise<State> {
  return openState(manifest.state, undefined)
}

/** An engine over an open state, for this process. */
export function engineFor(runtime: Runtime, state: State, onEvent: (rotation: string, event: TimedEvent, progress: Progress) => void = () => undefined): Engine {
  return {
    ...plannerFor(runtime),
    state,
    sleep,
    rehearsal: parseRehearsal(runtime.env['KEYTURN_REHEARSE'], (name) => process.kill(process.pid, name)),
    owner: ownerOf(process.pid),
    isDead: ownerIsDead,
    ...leaseOf(runtime.env['KEYTURN_LEASE_MS']),
    by: label(`${userInfo().username}@${hostname()}`),
    version: packageVersion(),
    interrupt: runtime.interrupt,
    debug: runtime.env['KEYTURN_DEBUG'] !== undefined,
    onEvent,
  }
}

/** Waits, or returns early when the signal aborts. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  // Timers hold 31 bits; a longer wait is looked at again before it is over.
  await delay(Math.min(Math.max(0, ms), 2 ** 31 - 1), undefined, { signal }).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown
  })
}

/** KEYTURN_LEASE_MS, for rehearsing a take-over without waiting a lease long for it. Throws USAGE on what is no number of ms. */
function leaseOf(text: string | undefined): Pick<Engine, 'leaseMs'> {
  if (text === undefined || text === '') return {}
  if (!/^[1-9]\d{2,5}$/.test(text)) throw new KeyturnError('USAGE', 'KEYTURN_LEASE_MS is not a number of milliseconds from 100 on')
  return { leaseMs: Number(text) }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
  return version
}

function hostFor(runtime: Runtime, base: string): Host {
  return {
    base,
    now: Date.now,
    resolve: async (text) => {
      const secret = await resolveReference(text, { env: runtime.env, base })
      if (secret.reveal() !== text) runtime.conceal(secret)
      return secret
    },
    conceal: runtime.conceal,
  }
}
