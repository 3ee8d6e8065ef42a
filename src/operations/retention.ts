import type { Engine } from '../engine/engine.ts'
import type { Manifest } from '../manifest/model.ts'
import { outlived } from '../schedule/retention.ts'
import { appendNote } from '../state/note.ts'
import { type KeptValue, listKept } from './snapshots.ts'

/** The type of the note that says what was wiped. */
export const WIPED = 'value-wiped'

/** Another run has wiped it already. */
class Gone extends Error {
  override readonly name = 'Gone'
}

/**
 * Wipes what was kept for as long as its rotation's plan says, and nothing earlier: snapshots, and the values of credentials that were
 * replaced. Each together with a note of it, in one transaction; of several runs one does it. Best effort: what a disk, a write-ahead
 * archive or a backup keeps is beyond it. May be repeated at any time. Answers with what it wiped.
 */
export async function wipeKept(engine: Pick<Engine, 'state' | 'now' | 'by' | 'version'>, manifest: Pick<Manifest, 'system' | 'environment'>): Promise<KeptValue[]> {
  const { state } = engine
  const now = engine.now()
  const wiped: KeptValue[] = []
  for (const kept of outlived(await listKept(state.db, manifest), now)) if (await wipe(engine, manifest, kept)) wiped.push(kept)
  if (wiped.length > 0 && state.kind === 'sqlite') await emptyLog(state)
  return wiped
}

async function wipe({ state, now, by, version }: Parameters<typeof wipeKept>[0], { system, environment }: Pick<Manifest, 'system' | 'environment'>, { rotation, secret, what, until }: KeptValue): Promise<boolean> {
  const name = what === 'snapshot' ? 'snapshot' : 'new'
  const query = state.db.deleteFrom('sealed').where('rotation', '=', rotation).where('name', '=', name).compile()
  const at = now()
  const reason = `${what === 'snapshot' ? 'the snapshot' : 'the value'} of ${rotation} was kept until ${new Date(until ?? at).toISOString().slice(0, 16)}Z`
  try {
    await appendNote(state, { type: WIPED, at, body: { system, environment, secret, rotation, what, until, by, reason, version } }, [], [{ query, unless: () => new Gone() }])
    return true
  } catch (thrown) {
    if (thrown instanceof Gone) return false
    throw thrown
  }
}

/** The pages that were overwritten stand in the write-ahead log until it is emptied. Another reader may keep it from that; the next time then. */
async function emptyLog({ db }: Pick<Engine['state'], 'db'>): Promise<void> {
  const { sql } = await import('kysely')
  await sql`pragma wal_checkpoint(truncate)`.execute(db)
}
