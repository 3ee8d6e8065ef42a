import { existsSync, readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { registry } from './connectors.gen.ts'
import type { Engine } from './engine/engine.ts'
import { ownerIsDead, ownerOf } from './engine/owner.ts'
import { parseRehearsal } from './engine/rehearsal.ts'
import type { Planner } from './engine/rotate.ts'
import { type Host, KeyturnError, label, type Secret, type Surroundings } from './kit/index.ts'
import type { Manifest } from './manifest/model.ts'
import { resolveReferences } from './manifest/resolve.ts'
import { type Identity, identityPath, readIdentity } from './sealing/identity.ts'
import { hasReference } from './manifest/reference.ts'
import { openState, type State } from './state/open.ts'
import { placeOf, type StatePlace } from './state/place.ts'

/** What keyturn takes from the process that it runs in. */
export interface Runtime {
  /** Where references, the identity's place and rehearsals come from. */
  readonly env: NodeJS.ProcessEnv
  /** Ends a run after the step at hand is on disk. */
  readonly interrupt: AbortSignal
  /** Told of every value that must not be printed from now on. */
  readonly conceal: (secret: Secret) => void
  /** Told what somebody should know though nothing stops for it, perhaps again and again; nobody is when absent. */
  readonly notice?: (text: string) => void
}

/** How long a reference may take where no step sets its deadline. */
const RESOLVE_MS = 10_000

/** What planning needs; no state is opened and nothing is changed. */
export function plannerFor(runtime: Runtime): Planner {
  return { registry, now: Date.now, host: (base) => hostFor(runtime, surroundingsOf(runtime, base)) }
}

function surroundingsOf({ env, notice = () => undefined }: Runtime, base: string): Surroundings {
  return { base, env, notice }
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
  const state = await openState(await placeFor(runtime, manifest), path, true)
  return known ? { state } : { state, madeIdentity: path }
}

/** Opens the state only to look; works without the identity. Throws ROTATION_UNKNOWN when there is none. */
export async function openStateToRead(runtime: Runtime, manifest: Manifest): Promise<State> {
  return openState(await placeFor(runtime, manifest), undefined)
}

/** Opens it for one look, and closes it after it. */
export async function readingState<T>(runtime: Runtime, manifest: Manifest, look: (state: State) => Promise<T>): Promise<T> {
  const state = await openStateToRead(runtime, manifest)
  try {
    return await look(state)
  } finally {
    await state.close()
  }
}

/** The same as {@link openStateToRead}; undefined when there is none yet, and looking makes none. */
export async function openStateIfAny(runtime: Runtime, manifest: Manifest): Promise<State | undefined> {
  return openStateToRead(runtime, manifest).catch((thrown: unknown) => {
    if (thrown instanceof KeyturnError && thrown.code === 'ROTATION_UNKNOWN') return undefined
    throw thrown
  })
}

/** Where the state of a manifest lies now. A URL is concealed from here on. Throws REFERENCE_UNRESOLVED. */
export function placeFor(runtime: Runtime, manifest: Pick<Manifest, 'state' | 'base'>): Promise<StatePlace> {
  return placeNamed(runtime, manifest.state, manifest.base)
}

/** The same for a text that stands elsewhere; relative paths start from `base`. */
export async function placeNamed(runtime: Runtime, text: string, base: string): Promise<StatePlace> {
  // A path as it is written is no value; only what a reference brings may be one.
  if (!hasReference(text)) return placeOf(text, base, runtime.env)
  const brought: Secret[] = []
  // The path of a folder is no secret, and is shown in many places.
  const named = await hostFor({ ...runtime, conceal: (secret) => brought.push(secret) }, surroundingsOf(runtime, base)).resolve(text)
  const place = placeOf(named, base, runtime.env)
  if (typeof place !== 'string') for (const secret of brought) runtime.conceal(secret)
  return place
}

/** An engine over an open state, for this process. */
export function engineFor(runtime: Runtime, state: State, { onEvent = () => undefined, onLate = () => undefined }: Partial<Pick<Engine, 'onEvent' | 'onLate'>> = {}): Engine {
  return {
    ...plannerFor(runtime),
    state,
    sleep,
    rehearsal: parseRehearsal(runtime.env['KEYTURN_REHEARSE'], (name) => process.kill(process.pid, name)),
    owner: ownerOf(process.pid),
    isDead: ownerIsDead,
    ...leaseOf(runtime.env['KEYTURN_LEASE_MS']),
    by: label(`${userName()}@${hostname()}`),
    version: packageVersion(),
    interrupt: runtime.interrupt,
    debug: runtime.env['KEYTURN_DEBUG'] !== undefined,
    onEvent,
    onLate,
  }
}

/** Who runs this process. In a container a user may have no line in /etc/passwd: then it is its number. */
export function userName(ask: () => { readonly username: string } = userInfo): string {
  try {
    return ask().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/** Waits, or returns early when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
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

/** Of this keyturn. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
  return version
}

function hostFor({ conceal }: Pick<Runtime, 'conceal'>, surroundings: Surroundings): Host {
  return {
    base: surroundings.base,
    now: Date.now,
    resolve: (text, call = { signal: AbortSignal.timeout(RESOLVE_MS), deadline: Date.now() + RESOLVE_MS }) => resolveReferences(text, { registry, surroundings, call, conceal }),
    conceal,
  }
}
