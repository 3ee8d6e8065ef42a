import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { drive } from '../src/engine/drive.ts'
import type { Engine } from '../src/engine/engine.ts'
import { ownerIsDead, ownerOf } from '../src/engine/owner.ts'
import { NO_REHEARSAL } from '../src/engine/rehearsal.ts'
import { openRotation, planSecret } from '../src/engine/rotate.ts'
import { type Registry, Secret } from '../src/kit/index.ts'
import type { Manifest, SecretSpec, Used } from '../src/manifest/model.ts'
import { openState } from '../src/state/open.ts'

/** Runs the body in a new folder, which is taken away afterwards. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-'))
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs the body with an engine in this process, whose state lies in the folder. `env` is what references resolve from. */
export async function withEngine<T>(
  folder: string, registry: Registry, onEvent: Engine['onEvent'], env: Readonly<Record<string, string>>, body: (engine: Engine) => Promise<T>,
): Promise<T> {
  const state = await openState(join(folder, 'state'), join(folder, 'identity'), true)
  try {
    return await body({
      state,
      registry,
      host: (base) => ({ base, now: Date.now, resolve: async (text) => new Secret(text.replaceAll(/\$\{env:(\w+)\}/g, (_, name: string) => env[name] ?? '')), conceal: () => undefined }),
      now: Date.now,
      sleep: async (ms, signal) => { await pause(ms, undefined, { signal }).catch(() => undefined) },
      rehearsal: NO_REHEARSAL,
      owner: ownerOf(process.pid),
      isDead: ownerIsDead,
      by: 'bench',
      version: 'bench',
      interrupt: new AbortController().signal,
      onEvent,
    })
  } finally {
    await state.close()
  }
}

/** Plans, opens and drives one rotation to its end, through its waits. Throws when it does not end well. */
export async function rotateOnce(engine: Engine, manifest: Manifest, secret: string): Promise<void> {
  const { identity } = engine.state
  const plan = await planSecret(engine, manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) })
  const rotation = await openRotation(engine, plan, { reason: 'bench', adopt: false })
  let stopped = await drive(engine, rotation)
  while (stopped.is === 'waiting') {
    await engine.sleep(Math.max(0, stopped.again - engine.now()), engine.interrupt)
    stopped = await drive(engine, rotation)
  }
  if (stopped.is !== 'closed' || stopped.result !== 'done') throw new Error(`the rotation ended otherwise: ${JSON.stringify(stopped)}`)
}

type Timing = SecretSpec['timing']

/** A manifest of one secret, `database`, that waits nowhere unless it is told to. */
export function manifestOf(base: string, parts: Pick<SecretSpec, 'issuer' | 'stores' | 'waves'>, waits: Partial<Timing> = {}): Manifest {
  const timing: Timing = { grace: 0, quiet: 0, quietEvery: 1_000, undo: 0, deadline: 30_000, ready: 30_000, ...waits }
  const secret: SecretSpec = {
    name: 'database', place: { file: 'bench', line: 1, column: 1 }, lifecycle: 'active', impact: 'none', strategy: 'alternate', ...parts, checks: [], timing,
  }
  return {
    file: join(base, 'keyturn.yaml'), base, system: `bench-${randomBytes(4).toString('hex')}`, environment: 'development', state: join(base, 'state'),
    preflight: [], postflight: [], secrets: { database: secret },
  }
}

/** A `use:` block. */
export function use(id: string, config: Used['config'] = {}): Used {
  return { use: id, config, place: { file: 'bench', line: 1, column: 1 } }
}
