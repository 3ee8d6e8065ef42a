import { setTimeout as pause } from 'node:timers/promises'
import { createDatabase, randomPassword } from '../demo/database.ts'
import postgresManifest, { issuerSchema } from '../src/connectors/postgres/manifest.ts'
import { beginEmergency } from '../src/emergency/begin.ts'
import { prepareEmergency } from '../src/emergency/prepare.ts'
import { drive } from '../src/engine/drive.ts'
import type { Engine } from '../src/engine/engine.ts'
import { type Registry, Secret } from '../src/kit/index.ts'
import type { Manifest } from '../src/manifest/model.ts'
import { openPaper, paperRegistry } from './connectors.ts'
import { inFolder, manifestOf, use, withEngine } from './engine.ts'
import type { Figure } from './figure.ts'
import { type Pair, ratio, sides, time } from './pairs.ts'
import { record, replay } from './tape.ts'

export interface EmergencySizes {
  readonly rounds: number
}

/**
 * How long a compromised login of a real PostgreSQL can still be used after the decision: up to the proof that it is rejected, against the same statements and logins done raw by somebody who has them ready.
 */
export async function measureEmergency(adminUrl: string, sizes: EmergencySizes = { rounds: 25 }): Promise<Figure[]> {
  const name = `bench_${randomPassword().slice(0, 10).toLowerCase()}`
  const first = randomPassword()
  const database = await createDatabase(adminUrl, name, first)
  try {
    return await inFolder(async (folder) => {
      const pairs: Pair[] = []
      const paper = openPaper()
      paper.stored.set('LOGIN', new Secret(name)).set('PASSWORD', new Secret(first))
      const registry: Registry = { ...paperRegistry(paper), postgres: { manifest: postgresManifest, load: () => import('../src/connectors/postgres/index.ts') } }
      const issuer = { ...use('postgres'), config: issuerSchema.parse({ admin: '${env:PG_ADMIN_URL}', role: name, database: name }) }
      const stores = [{ ...use('paper', { name: 'env' }), bind: { LOGIN: { template: '{user}' }, PASSWORD: { template: '{password}' } } }]
      const manifest = manifestOf(folder, { issuer, stores, waves: [[use('paper', { name: 'atlas-1' })]] })
      let proven: (at: number) => void = () => undefined
      const counts = { logins: 0, statements: 0 }
      await withEngine(folder, registry, (_, event) => {
        if (event.type === 'step-done' && event.step === 'prove:ended') proven(event.at)
      }, { PG_ADMIN_URL: adminUrl }, async (engine) => {
        // The first one makes the companion; the next ones warm both sides up.
        for (let round = -4; round < sizes.rounds; round += 1) {
          const old = login(paper.stored, name, first)
          const tape = record()
          let subject = 0
          const from = performance.now()
          // As keyturn measures it: when it was seen, not when that was on disk.
          proven = (at) => {
            subject = at - performance.timeOrigin - from
            tape.stop()
          }
          await carryOut(engine, manifest)
          const fresh = login(paper.stored, name, first)
          // As it was before, so that every statement and every login meets what it met.
          await database.admin(`ALTER ROLE "${old.user}" LOGIN PASSWORD '${old.password}'; ALTER ROLE "${fresh.user}" NOLOGIN PASSWORD NULL`)
          const baseline = await time(() => replay(tape, pause))
          await database.admin(`ALTER ROLE "${old.user}" NOLOGIN PASSWORD NULL; ALTER ROLE "${fresh.user}" LOGIN PASSWORD '${fresh.password}'`)
          Object.assign(counts, tape.counts())
          if (round >= 0) pairs.push({ subject, baseline })
        }
      })
      const from = { exposure: sides(pairs).subject, raw: sides(pairs).baseline, rounds: pairs.length, ...counts }
      return [{ name: 'emergency', says: 'from the decision to the proof that the old login is rejected, over the same statements and logins done raw', value: ratio(pairs), unit: 'x', target: 1.1, from }]
    })
  } finally {
    await database.drop()
  }
}

async function carryOut(engine: Engine, manifest: Manifest): Promise<void> {
  const decidedAt = engine.now()
  const prepared = await prepareEmergency(engine, manifest, 'database', 'forget-first')
  const rotation = await beginEmergency(engine, prepared, { order: 'forget-first', incident: 'incident-bench', decidedAt, reason: 'bench' })
  const stopped = await drive(engine, rotation)
  if (stopped.is !== 'closed' || stopped.result !== 'done') throw new Error(`the emergency ended otherwise: ${JSON.stringify(stopped)}`)
}

function login(stored: ReadonlyMap<string, Secret>, name: string, first: string): { readonly user: string; readonly password: string } {
  return { user: stored.get('env/LOGIN')?.reveal() ?? name, password: stored.get('env/PASSWORD')?.reveal() ?? first }
}
