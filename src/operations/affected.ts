import { resolve } from 'node:path'
import type { Planner } from '../engine/rotate.ts'
import { type Family, KeyturnError, label } from '../kit/index.ts'
import type { Manifest, SecretSpec, Used } from '../manifest/model.ts'
import { openConnector } from '../steps/cast.ts'

/** What holds secrets: a consumer, or a store. */
export interface Holder {
  readonly family: 'consumer' | 'store'
  /** As people call it: its title, its resource key, or a word of its configuration (a service, a pid file, a path). */
  readonly named: string
}

/** The secrets that this consumer uses, or that this store keeps, in the manifest's order. Touches nothing. Throws USAGE when there is none. */
export async function heldBy(planner: Planner, manifest: Manifest, { family, named }: Holder): Promise<string[]> {
  const found: string[] = []
  const titles = new Set<string>()
  for (const secret of Object.values(manifest.secrets)) {
    if (secret.lifecycle === 'future') continue
    for (const used of holdersOf(secret, family)) {
      const { title, key } = await namesOf(planner, manifest, family, used)
      titles.add(title)
      if (![title, key, ...wordsIn(used.config)].some((word) => isSame(word, named, manifest.base))) continue
      if (!found.includes(secret.name)) found.push(secret.name)
    }
  }
  if (found.length > 0) return found
  throw new KeyturnError('USAGE', `no secret has the ${family} ${label(named)}`, { hint: `The manifest names: ${[...titles].join('; ') || `no ${family}`}.` })
}

function holdersOf(secret: SecretSpec, family: Holder['family']): readonly Used[] {
  return family === 'store' ? secret.stores : secret.waves.flat()
}

async function namesOf(planner: Planner, manifest: Manifest, family: Holder['family'], used: Used): Promise<{ readonly title: string; readonly key: string }> {
  const opened = await openConnector(planner.registry, planner.host(manifest.base), family satisfies Family, used)
  return { title: opened.title(), key: opened.identity() }
}

function isSame(word: string, named: string, base: string): boolean {
  return word === named || (named.includes('/') && resolve(base, word) === resolve(named)) || resolve(base, word) === resolve(base, named)
}

function wordsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(wordsIn) : []
}
