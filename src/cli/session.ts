import { existsSync, readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Host, KeyturnError, label } from '../kit/index.ts'
import type { Engine } from '../engine/engine.ts'
import type { TimedEvent } from '../engine/event.ts'
import { ownerIsDead, ownerOf } from '../engine/owner.ts'
import type { Progress } from '../engine/progress.ts'
import { parseRehearsal } from '../engine/rehearsal.ts'
import type { Planner } from '../engine/rotate.ts'
import { loadManifest } from '../manifest/load.ts'
import type { Manifest } from '../manifest/model.ts'
import { resolveReference } from '../manifest/reference.ts'
import { type Identity, identityPath, readIdentity } from '../state/identity.ts'
import { openState, type State } from '../state/open.ts'
import { registry } from '../connectors.gen.ts'
import type { Terminal } from './terminal.ts'

/** The options that every command takes. */
export interface CommonOptions {
  readonly manifest?: string
  readonly json?: boolean
}

/** What a command works in. */
export interface Session {
  readonly terminal: Terminal
  readonly env: NodeJS.ProcessEnv
  readonly interrupt: AbortSignal
}

/** The names that are tried when no manifest is named. */
const NAMES = ['keyturn.yaml', 'keyturn.yml']

/** Loads the manifest that was named, or the one in this folder. Throws MANIFEST_MISSING or MANIFEST_INVALID. */
export function manifestOf(options: CommonOptions): Promise<Manifest> {
  const file = options.manifest ?? NAMES.find((name) => existsSync(name))
  if (file === undefined || !existsSync(file)) throw new KeyturnError('MANIFEST_MISSING', file ?? '')
  return loadManifest(file, { registry })
}

/** What planning needs; no state is opened. */
export function plannerOf(session: Session): Planner {
  return { registry, now: Date.now, host: (base) => hostOf(session, base) }
}

/** The identity if there is one already; planning works without. */
export async function knownIdentity(session: Session): Promise<Identity | undefined> {
  const path = identityPath(session.env)
  return existsSync(path) ? readIdentity(path) : undefined
}

/** Opens the state for a command that changes something; the first one makes it, and the identity. */
export async function stateFor(session: Session, manifest: Manifest): Promise<State> {
  const path = identityPath(session.env)
  const fresh = !existsSync(path)
  const state = await openState(manifest.state, path, true)
  if (fresh) session.terminal.err(`A new identity was made: ${path}\nKeep a copy of it elsewhere: without it the sealed values cannot be opened.`)
  return state
}

/** Opens the state for a command that only looks; works without the identity. */
export function stateToRead(manifest: Manifest): Promise<State> {
  return openState(manifest.state, undefined)
}

/** An engine over an open state, for this process. */
export function engineFor(session: Session, state: State, onEvent: (rotation: string, event: TimedEvent, progress: Progress) => void = () => undefined): Engine {
  return {
    state,
    registry,
    host: (base) => hostOf(session, base),
    now: Date.now,
    sleep,
    rehearsal: parseRehearsal(session.env['KEYTURN_REHEARSE'], (name) => process.kill(process.pid, name)),
    owner: ownerOf(process.pid),
    isDead: ownerIsDead,
    by: label(`${userInfo().username}@${hostname()}`),
    version: versionOf(),
    interrupt: session.interrupt,
    onEvent,
  }
}

/** Waits, or returns early when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  // Timers hold 31 bits; a longer wait is looked at again before it is over.
  await delay(Math.min(Math.max(0, ms), 2 ** 31 - 1), undefined, { signal }).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown
  })
}

/** The version of this package. */
export function versionOf(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
  return version
}

function hostOf(session: Session, base: string): Host {
  return {
    base,
    now: Date.now,
    resolve: async (text) => {
      const secret = await resolveReference(text, { env: session.env, base })
      if (secret.reveal() !== text) session.terminal.conceal(secret)
      return secret
    },
    conceal: (secret) => session.terminal.conceal(secret),
  }
}
