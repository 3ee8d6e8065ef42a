import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import type { TimedEvent } from '../src/journal/event.ts'
import { Secret } from '../src/kit/index.ts'
import { storedBytes } from '../src/state/journal.ts'
import { ageSealer } from '../src/sealing/age.ts'
import { seal } from '../src/sealing/seal.ts'
import { migrationsFor } from '../src/state/schema.ts'
import { PRAGMAS } from '../src/state/sqlite.ts'
import { openPaper, paperRegistry } from './connectors.ts'
import { inFolder, manifestOf, rotateOnce, use, withEngine } from './engine.ts'
import type { Figure } from './figure.ts'
import { median, type Pair, ratio, sides, time } from './pairs.ts'

export interface EffectSizes {
  readonly rotations: number
  /** Stores and consumers of the one secret; each is an effect. */
  readonly stores: number
  readonly consumers: number
}

/**
 * What the engine costs per effect: from the record before it to the record of its outcome, with connectors that answer at once.
 * The baseline is what nobody can do without: the same two lines in two durable commits, by node:sqlite with the same pragmas.
 * The mint is listed apart, since it seals a value.
 */
export async function measureEffect(sizes: EffectSizes = { rotations: 200, stores: 8, consumers: 8 }): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const raw = openRaw(join(folder, 'raw.db'))
    const plain: Pair[] = []
    const mints: Pair[] = []
    const seals: number[] = []
    // The code of the engine is compiled while it runs, over some fifty rotations; a raw loop is hot at once.
    const warmUp = Math.ceil(sizes.rotations / 4)
    let warm = false
    let last = 0
    let intent: TimedEvent | undefined
    const onEvent = (_: string, event: TimedEvent): void => {
      const taken = performance.now() - last
      if (event.type === 'intent-recorded') {
        intent = event
        // The record before the effect is where it begins; its intent is part of it.
        return
      }
      if (event.type === 'step-done' && intent?.type === 'intent-recorded' && intent.step === event.step) {
        const baseline = raw.commit([intent, event])
        if (warm) (event.step === 'mint' ? mints : plain).push({ subject: taken, baseline })
      }
      intent = undefined
      last = performance.now()
    }
    const stores = Array.from({ length: sizes.stores }, (_, n) => ({
      ...use('paper', { name: `store-${n}` }), bind: { LOGIN: { template: '{user}' }, PASSWORD: { template: '{password}' } },
    }))
    const wave = Array.from({ length: sizes.consumers }, (_, n) => use('paper', { name: `service-${n}` }))
    const manifest = manifestOf(folder, { issuer: use('paper'), stores, waves: [wave] })
    await withEngine(folder, paperRegistry(openPaper()), onEvent, {}, async (engine) => {
      for (let rotation = -warmUp; rotation < sizes.rotations; rotation += 1) {
        warm = rotation >= 0
        await rotateOnce(engine, manifest, 'database')
        const { identity } = engine.state
        const credential = { id: 'a', fields: { user: new Secret('a'), password: new Secret('0'.repeat(40)) } }
        if (identity !== undefined) seals.push(await time(() => seal(credential, { rotation: 'r', name: 'new', secret: 's' }, ageSealer(identity))))
      }
    })
    raw.close()
    const of = (pairs: readonly Pair[]): Figure['from'] => ({ engine: sides(pairs).subject, raw: sides(pairs).baseline, effects: pairs.length })
    return [
      { name: 'effect', says: 'engine per effect over two durable commits of raw node:sqlite', value: ratio(plain), unit: 'x', target: 1.5, from: of(plain) },
      { name: 'effect, sealing', says: 'the same for a mint, which seals the new value', value: ratio(mints), unit: 'x', from: { ...of(mints), seal: median(seals) } },
    ]
  })
}

/** Each line in a commit of its own, on a database with the same tables and pragmas. */
function openRaw(file: string): { commit(lines: readonly TimedEvent[]): number; close(): void } {
  const database = new DatabaseSync(file)
  for (const pragma of PRAGMAS) database.exec(`PRAGMA ${pragma}`)
  for (const statement of migrationsFor('sqlite').flat()) database.exec(statement)
  database.exec(`INSERT INTO rotation (id, system, environment, secret, principal, opened_at, seq, head, fence, lease_until)
    VALUES ('raw', 'bench', 'development', 'database', 'raw', 0, 0, '', 1, 0)`)
  const begin = database.prepare('BEGIN IMMEDIATE')
  const move = database.prepare('UPDATE rotation SET seq = ?, head = ? WHERE id = ? AND seq = ? AND fence = ?')
  const add = database.prepare('INSERT INTO event (rotation, seq, type, at, body, hash) VALUES (?, ?, ?, ?, ?, ?)')
  const commit = database.prepare('COMMIT')
  const hash = 'f'.repeat(64)
  let seq = 0
  return {
    commit: (lines) => {
      const from = performance.now()
      for (const { type, at, ...body } of lines) {
        begin.run()
        move.run(seq + 1, hash, 'raw', seq, 1)
        seq += 1
        add.run('raw', seq, type, at, storedBytes(seq, { type, at, body }), hash)
        commit.run()
      }
      return performance.now() - from
    },
    close: () => database.close(),
  }
}
