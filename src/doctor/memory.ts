import type { Manifest } from '../manifest/model.ts'
import { type LedgerRow, readLedger, secretKey } from '../state/ledger.ts'
import type { State } from '../state/open.ts'
import { type Due, listDue } from '../operations/due.ts'
import { listKept } from '../operations/snapshots.ts'
import { finding, fine, type Found, thrownAt } from './finding.ts'
import { examinePause, examineRotations } from './rotations.ts'

/** A secret that is due this soon is worth a word. */
const SOON_MS = 7 * 86_400_000

/** What the state remembers of one secret. */
export interface SecretMemory {
  readonly ledger: readonly LedgerRow[]
  /** The rotation of it that is open. */
  readonly open?: string
  /** Of that rotation, and of when the next one is due. */
  readonly found: readonly Found[]
}

/** What the state remembers. */
export interface Memory {
  /** What belongs to none of the secrets. */
  readonly found: readonly Found[]
  readonly secrets: ReadonlyMap<string, SecretMemory>
}

/** Before the first rotation there is nothing, and nothing is overdue. */
export const NOTHING: Memory = { found: [], secrets: new Map() }

/** Reads rotations, ledgers and dates; a state that cannot be read is a finding. */
export async function recall(state: State, manifest: Manifest, now: number): Promise<Memory> {
  try {
    const rotations = await examineRotations(state, manifest, now)
    const secrets = new Map<string, SecretMemory>()
    for (const due of await listDue(manifest, state.db, now, SOON_MS)) {
      const open = rotations.find(({ row }) => row.secret === due.secret)
      secrets.set(due.secret, {
        ledger: await readLedger(state.db, secretKey(manifest.system, manifest.environment, due.secret)),
        ...(open === undefined ? {} : { open: open.row.id }),
        found: [...(open?.found ?? []), ...dateOf(due)],
      })
    }
    const ofNobody = rotations.filter(({ row }) => !secrets.has(row.secret)).flatMap(({ found }) => found)
    return { found: [...(await examinePause(state)), ...(await examineKept(state, manifest, now)), ...ofNobody], secrets }
  } catch (thrown) {
    return { ...NOTHING, found: [thrownAt('state', state.name, thrown)] }
  }
}

/** Whoever runs keyturn wipes within the hour; this is long after. */
const UNWIPED_MS = 86_400_000

/** What is held of values from before, and until when; what should be wiped by now, and is not. */
async function examineKept(state: State, manifest: Manifest, now: number): Promise<Found[]> {
  const kept = await listKept(state.db, manifest)
  const late = kept.filter(({ until }) => until !== undefined && until + UNWIPED_MS <= now)
  const ends = kept.flatMap(({ until }) => until ?? [])
  if (late.length > 0) return [finding('warning', 'state', 'snapshots', 'NOTICE', `${late.length} values from before are kept longer than the manifest says, since ${dayOf(Math.min(...late.flatMap(({ until }) => until ?? [])))}`, 'Run `keyturn run` (or `--once` from cron): it wipes them.')]
  return kept.length === 0 ? [] : [fine('state', 'snapshots', `${kept.length} values from before are held${ends.length === 0 ? '' : `, the last one until ${dayOf(Math.max(...ends))}`}`)]
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

function dateOf({ secret, state, at, every = '', cause = every, compromised }: Due): Found[] {
  const day = at === undefined ? '' : new Date(at).toISOString().slice(0, 10)
  const late = (about: string): Found[] => [finding('warning', 'due', secret, 'ROTATION_DUE', `${about} (${cause.replace(/^every /, '')})`, `Run \`keyturn rotate ${secret}\`.`)]
  switch (state) {
    case 'compromised':
      return [finding('problem', 'due', secret, 'ROTATION_DUE', `it is compromised since ${dayOf(compromised ?? 0)}`, `Run \`keyturn emergency ${secret}\`, or \`keyturn rotate ${secret}\`.`)]
    case 'overdue':
      return late(`since ${day}`)
    case 'due':
      return late(`on ${day}`)
    case 'unrotated':
      return late('this state has never rotated it')
    case 'fine':
      return [fine('due', secret, `on ${day} (${cause.replace(/^every /, '')})`)]
    default:
      return []
  }
}
