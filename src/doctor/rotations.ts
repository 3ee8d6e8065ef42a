import { CODES } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import type { State } from '../state/open.ts'
import { readPause } from '../state/pause.ts'
import { listRotations, type RotationRow } from '../state/rotation.ts'
import { foldProgress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { finding, fine, type Found, notice, thrownAt } from './finding.ts'

/** A rotation that wanted to go on this long ago, and that nobody holds, is left alone by everybody. */
const STUCK_MS = 15 * 60_000

/** Entries of a journal may be ahead of the clock by this much: see the gate. */
const CLOCK_MS = 60_000

/** Whether somebody has paused all rotations of the state: then none begins. */
export async function examinePause(state: State): Promise<Found[]> {
  const pause = await readPause(state.db)
  return pause === undefined ? [] : [finding('problem', 'rotation', 'all', 'PAUSED', `by ${pause.by} since ${new Date(pause.at).toISOString().slice(0, 19)}Z: ${pause.reason}`)]
}

/** The open rotations of a manifest with what was found of each. */
export async function examineRotations(state: State, manifest: Manifest, now: number): Promise<{ readonly row: RotationRow; readonly found: readonly Found[] }[]> {
  const rows = await listRotations(state.db, { system: manifest.system, environment: manifest.environment, open: true })
  return Promise.all(rows.map(async (row) => ({ row, found: await examineRotation(state, manifest, row, now) })))
}

async function examineRotation(state: State, manifest: Manifest, row: RotationRow, now: number): Promise<Found[]> {
  try {
    const progress = foldProgress((await readEvents({ state }, row.id)).events)
    const found: Found[] = []
    if (manifest.secrets[row.secret] === undefined) found.push(notice('rotation', row.id, `the manifest no longer has ${row.secret}: no gate opens until it does`))
    if (progress.lastAt > now + CLOCK_MS) found.push(finding('problem', 'clock', row.id, 'CLOCK_WRONG', 'the clock is behind the last entry of the journal'))
    if (progress.paused !== undefined) {
      const { code, about } = progress.paused
      return [...found, finding(progress.asked === undefined ? 'problem' : 'warning', 'rotation', row.id, code, about, `${CODES[code].hint} Then \`keyturn resume ${row.id}\`, or \`keyturn abort ${row.id}\`.`)]
    }
    const held = row.owner !== null && row.lease_until > now
    if (!held && row.due_at !== null && row.due_at < now - STUCK_MS) return [...found, finding('warning', 'rotation', row.id, 'ROTATION_STUCK')]
    if (progress.held !== undefined) return [...found, finding('warning', 'rotation', row.id, 'GATE_HELD', progress.held.reasons.join('; '))]
    return [...found, fine('rotation', row.id, held ? 'is being carried on' : `is open${row.waits_for === null ? '' : ` and waits for ${row.waits_for}`}`)]
  } catch (thrown) {
    return [thrownAt('rotation', row.id, thrown)]
  }
}
