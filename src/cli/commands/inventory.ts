import { randomBytes } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { Planner } from '../../engine/rotate.ts'
import type { ConsumerSpec, Manifest, SecretSpec, StoreSpec } from '../../manifest/model.ts'
import { type Due, listDue } from '../../operations/due.ts'
import { locate } from '../../outside/file/index.ts'
import { openStateIfAny, plannerFor, type Runtime } from '../../runtime.ts'
import { kindOf } from '../../scan/candidates.ts'
import { scanEnvFile } from '../../scan/env-files.ts'
import type { Sighting } from '../../scan/findings.ts'
import { createTracer } from '../../scan/trace.ts'
import { readText } from '../../scan/walk.ts'
import { openConnector } from '../../steps/cast.ts'
import { type Inventory, inventoryLines, type InventorySecret, timesOf, type Uncovered } from '../../views/inventory.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn inventory`: every secret, where it lies, who reads it, and what lies beside it uncovered. Needs no identity. */
export async function run({ terminal, runtime }: Session, _: readonly string[], options: CommonOptions): Promise<number> {
  const inventory = await take(runtime, await manifestOf(options))
  if (options.json === true) terminal.out(JSON.stringify(inventory, null, 2))
  else for (const line of inventoryLines(inventory, terminal.paint)) terminal.out(line)
  return EXIT.done
}

/** A store of the manifest; those that are one, whatever paths lead to it, have the same key. */
interface Listed {
  readonly spec: StoreSpec
  readonly key: string
  readonly title: string
  /** The keys that lie there; or why they cannot be listed. */
  readonly content: readonly Sighting[] | { readonly why: string }
}

async function take(runtime: Runtime, manifest: Manifest): Promise<Inventory> {
  const planner = plannerFor(runtime)
  const due = await dueBySecret(runtime, manifest, planner.now())
  const listed = new Map<StoreSpec, Listed>()
  for (const secret of Object.values(manifest.secrets)) for (const spec of secret.stores) listed.set(spec, await list(manifest, spec, planner))
  const secrets: InventorySecret[] = []
  for (const secret of Object.values(manifest.secrets)) secrets.push(await describe(manifest, secret, planner, listed, due.get(secret.name)))
  const stores = [...Map.groupBy(listed.values(), ({ key }) => key).values()].flatMap(([first]) => first ?? [])
  return {
    system: manifest.system,
    environment: manifest.environment,
    secrets,
    notCovered: stores.flatMap((store) => uncovered(store, [...listed.values()])),
    unread: stores.flatMap(({ title, content }) => ('why' in content ? [{ store: title, why: content.why }] : [])),
  }
}

async function dueBySecret(runtime: Runtime, manifest: Manifest, now: number): Promise<ReadonlyMap<string, Due>> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    return new Map((await listDue(manifest, state?.db, now, 0)).map((each) => [each.secret, each]))
  } finally {
    await state?.close()
  }
}

async function list(manifest: Manifest, spec: StoreSpec, planner: Planner): Promise<Listed> {
  const store = await openConnector(planner.registry, planner.host(manifest.base), 'store', spec)
  return { spec, key: store.identity(), title: store.title(), content: await contentOf(manifest, spec) }
}

/** Only an env file says what else it holds: other stores are asked for keys by name. */
async function contentOf(manifest: Manifest, { use, config }: StoreSpec): Promise<Listed['content']> {
  if (use !== 'dotenv' || typeof config['file'] !== 'string') return { why: `${use} does not list its keys` }
  const path = locate(config['file'], manifest.base)
  const read = await readText(dirname(path), basename(path))
  // A copy: a key that was cut out of the text keeps all of the text in memory, with the values in it.
  return 'why' in read ? read : structuredClone(scanEnvFile(path, read.text, createTracer(randomBytes(32))).sightings)
}

async function describe(manifest: Manifest, secret: SecretSpec, planner: Planner, listed: ReadonlyMap<StoreSpec, Listed>, due: Due | undefined): Promise<InventorySecret> {
  const { name, owner, lifecycle, strategy, issuer, impact, every, on, notify, waves } = secret
  const consumers = waves.flatMap((wave, index) => wave.map((spec) => ({ spec, wave: index + 1 })))
  return {
    name,
    ...(owner === undefined ? {} : { owner }),
    environment: manifest.environment,
    lifecycle,
    strategy,
    issuer: issuer.use,
    impact,
    ...(every === undefined ? {} : { every }),
    ...(on === undefined ? {} : { on }),
    ...(notify === undefined ? {} : { notify }),
    due: due?.state ?? 'unknown',
    ...(due === undefined ? {} : timesOf(due)),
    stores: secret.stores.flatMap((spec) => storeOf(spec, listed.get(spec))),
    consumers: await Promise.all(consumers.map(async ({ spec, wave }) => ({ wave, ...(await consumerOf(manifest, spec, planner)) }))),
  }
}

function storeOf(spec: StoreSpec, found: Listed | undefined): InventorySecret['stores'] {
  if (found === undefined) return []
  const { title, content } = found
  const keys = Object.keys(spec.bind).map((key) => {
    if ('why' in content) return { key }
    const line = content.find((each) => each.key === key)?.seen.line
    return line === undefined ? { key, present: false } : { key, line, present: true }
  })
  return [{ use: spec.use, title, keys }]
}

async function consumerOf(manifest: Manifest, spec: ConsumerSpec, planner: Planner): Promise<Omit<InventorySecret['consumers'][number], 'wave'>> {
  const consumer = await openConnector(planner.registry, planner.host(manifest.base), 'consumer', spec)
  return { use: spec.use, title: consumer.title(), proof: spec.attest?.use ?? consumer.traits.attest }
}

/** The keys of a store that no secret binds. */
function uncovered({ key, title, content }: Listed, all: readonly Listed[]): readonly Uncovered[] {
  if ('why' in content) return []
  const bound = new Set(all.filter((each) => each.key === key).flatMap(({ spec }) => Object.keys(spec.bind)))
  return content.filter((each) => !bound.has(each.key)).map((each) => ({ store: title, key: each.key, line: each.seen.line, looksSecret: kindOf(each).is !== 'no-secret' }))
}
