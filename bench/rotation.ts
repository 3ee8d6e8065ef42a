import { setTimeout as pause } from 'node:timers/promises'
import postgresManifest, { issuerSchema } from '../src/connectors/postgres/manifest.ts'
import { type Registry, Secret } from '../src/kit/index.ts'
import type { Engine } from '../src/engine/engine.ts'
import { createDatabase, randomPassword } from '../demo/database.ts'
import { openPaper, paperRegistry } from './connectors.ts'
import { inFolder, manifestOf, rotateOnce, use, withEngine } from './engine.ts'
import type { Figure } from './figure.ts'
import { type Pair, ratio, sides, time } from './pairs.ts'
import { record, replay, type Tape } from './tape.ts'

export interface RotationSizes {
  readonly rounds: number
  /** Of one instance, in milliseconds: a drain of its pool and a fresh login. There are two. */
  readonly reload: number
  /** As often in the demo's shape, whose waits take their time. */
  readonly demoRounds: number
  /** The grace, the quiet and the undo window of the demo, in milliseconds each. */
  readonly wait: number
}

/**
 * A whole rotation by `alternate` on a real PostgreSQL, from looking for the plan to the signed receipt, against the same server
 * statements on the same number of logins done raw, with the same reloads and the same waits: none, or those of the demo.
 */
export async function measureRotation(adminUrl: string, sizes: RotationSizes = { rounds: 15, reload: 70, demoRounds: 5, wait: 2_000 }): Promise<Figure[]> {
  const bare = await measure(adminUrl, sizes.rounds, 0, 0)
  const reloads = await measure(adminUrl, sizes.rounds, sizes.reload, 0)
  const demo = await measure(adminUrl, sizes.demoRounds, sizes.reload, sizes.wait)
  const from = ({ pairs, tape }: Measured): Figure['from'] => ({
    keyturn: sides(pairs).subject, raw: sides(pairs).baseline, rounds: pairs.length, ...tape.counts(),
  })
  return [
    { name: 'rotation', says: 'whole rotation over the same server statements done raw, reloads of 0 ms', value: ratio(bare.pairs), unit: 'x', target: 1.4, from: from(bare) },
    { name: 'rotation, reloads', says: `the same with two reloads of ${sizes.reload} ms`, value: ratio(reloads.pairs), unit: 'x', from: from(reloads) },
    { name: 'rotation, demo', says: `the same as in the demo: with those reloads, and ${sizes.wait} ms of grace, of quiet and of undo window`, value: ratio(demo.pairs), unit: 'x', target: 1.05, from: from(demo) },
  ]
}

interface Measured {
  readonly pairs: readonly Pair[]
  /** Of the last round. */
  readonly tape: Tape
}

async function measure(adminUrl: string, rounds: number, reload: number, wait: number): Promise<Measured> {
  const name = `bench_${randomPassword().slice(0, 10).toLowerCase()}`
  const first = randomPassword()
  const database = await createDatabase(adminUrl, name, first)
  try {
    return await inFolder(async (folder) => {
      const pairs: Pair[] = []
      let tape = record()
      const paper = openPaper(reload, (ms) => tape.reload(ms))
      paper.stored.set('LOGIN', new Secret(name)).set('PASSWORD', new Secret(first))
      const registry: Registry = {
        ...paperRegistry(paper), postgres: { manifest: postgresManifest, load: () => import('../src/connectors/postgres/index.ts') },
      }
      const issuer = { ...use('postgres'), config: issuerSchema.parse({ admin: '${env:PG_ADMIN_URL}', role: name, database: name }) }
      const stores = [{ ...use('paper', { name: 'env' }), bind: { LOGIN: { template: '{user}' }, PASSWORD: { template: '{password}' } } }]
      const waves = [[use('paper', { name: 'atlas-1' }), use('paper', { name: 'atlas-2' })]]
      const manifest = manifestOf(folder, { issuer, stores, waves }, { grace: wait, quiet: wait, quietEvery: Math.max(250, wait / 20), undo: wait })
      tape.stop()
      await withEngine(folder, registry, () => undefined, { PG_ADMIN_URL: adminUrl }, async (quick) => {
        const sleep: Engine['sleep'] = (ms, signal) => {
          tape.wait(ms)
          return quick.sleep(ms, signal)
        }
        const engine = { ...quick, sleep }
        // The first one makes the companion, which nobody can make again; the next ones warm both sides up.
        for (let round = -3; round < rounds; round += 1) {
          const old = { user: paper.stored.get('env/LOGIN')?.reveal() ?? name, password: paper.stored.get('env/PASSWORD')?.reveal() ?? first }
          tape = record()
          const subject = await time(() => rotateOnce(engine, manifest, 'database'))
          tape.stop()
          if (round === -3) continue
          const fresh = paper.stored.get('env/LOGIN')?.reveal() ?? ''
          // As it was before, so that every statement and every login meets what it met.
          await database.admin(`ALTER ROLE "${old.user}" LOGIN PASSWORD '${old.password}'; ALTER ROLE "${fresh}" NOLOGIN PASSWORD NULL`)
          const baseline = await time(() => replay(tape, pause))
          if (round >= 0) pairs.push({ subject, baseline })
        }
      })
      return { pairs, tape }
    })
  } finally {
    await database.drop()
  }
}
