import { KeyturnError } from '../kit/error.ts'
import type { Sealer } from '../kit/sealer.ts'
import { unsealText } from '../sealing/seal.ts'
import { readSealed, secretKey } from '../state/ledger.ts'
import { readMoves } from '../state/moved.ts'
import type { State } from '../state/open.ts'
import { orphansIn } from './orphans.ts'
import { listRotations } from '../state/rotation.ts'

/** What was looked at, and what is wrong, in words. */
export interface Checked {
  /** False for a damaged file: then nothing else was looked at. */
  readonly readable: boolean
  /** Sealed values that were opened to see whether they can be; 0 without sealers. */
  readonly opened: number
  readonly problems: readonly string[]
  /** What is as it should be, and what somebody should know of. */
  readonly notices: readonly string[]
}

/**
 * Looks whether a state is sound as a database: its pages, rows that belong to nothing, what its index says of the journals, and
 * with sealers whether what open rotations have sealed can be opened. Chains and receipts are for `verifyState`. Changes nothing.
 */
export async function checkState(state: State, ...sealers: readonly Sealer[]): Promise<Checked> {
  const damage = await damageOf(state)
  if (damage !== undefined) return { readable: false, opened: 0, problems: [damage], notices: [] }
  const sealed = sealers.length === 0 ? { opened: 0, problems: [] } : await openSealed(state, sealers)
  return {
    readable: true,
    opened: sealed.opened,
    problems: [...(await strayRows(state)), ...(await strayIndex(state)), ...sealed.problems],
    notices: [...(await moves(state)), ...childrenOf(state)],
  }
}

/** What SQLite finds by itself. PostgreSQL checks its pages when it reads them (data_checksums) and its references always. */
async function damageOf({ kind, db }: State): Promise<string | undefined> {
  if (kind !== 'sqlite') return undefined
  const { sql } = await import('kysely')
  try {
    const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db)
    const found = rows.filter((row) => row.integrity_check !== 'ok').length
    return found === 0 ? undefined : `the file is damaged: ${found} findings of SQLite's integrity check`
  } catch (thrown) {
    if (thrown instanceof Error && /malformed|not a database/.test(thrown.message)) return 'the file is damaged: SQLite cannot read it'
    throw thrown
  }
}

async function strayRows({ db }: State): Promise<string[]> {
  const problems: string[] = []
  for (const table of ['event', 'sealed', 'receipt'] as const) {
    const { count } = await db.selectFrom(table).select((eb) => eb.fn.countAll<number>().as('count')).where('rotation', 'not in', (eb) => eb.selectFrom('rotation').select('id')).executeTakeFirstOrThrow()
    if (Number(count) > 0) problems.push(`${Number(count)} rows of ${table} belong to no rotation`)
  }
  return problems
}

/** A row that says another thing than its journal's last entry about being over. */
async function strayIndex({ db }: State): Promise<string[]> {
  const rows = await db
    .selectFrom('rotation')
    .leftJoin('event', (on) => on.onRef('event.rotation', '=', 'rotation.id').onRef('event.seq', '=', 'rotation.seq'))
    .select(['rotation.id', 'rotation.result', 'event.type'])
    .execute()
  return rows.flatMap(({ id, result, type }) => ((result === null) === (type === 'rotation-closed') ? [`${id}: the index says that it is ${result ?? 'open'}, the journal does not`] : []))
}

async function openSealed(state: State, sealers: readonly Sealer[]): Promise<Pick<Checked, 'opened' | 'problems'>> {
  const problems: string[] = []
  let opened = 0
  for (const row of await listRotations(state.db)) {
    for (const name of ['new', 'old', 'snapshot'] as const) {
      const sealed = await readSealed(state.db, row.id, name)
      if (sealed === undefined) continue
      try {
        await unsealText(sealed, { rotation: row.id, name, secret: secretKey(row.system, row.environment, row.secret) }, ...sealers)
        opened += 1
      } catch (thrown) {
        if (!(thrown instanceof KeyturnError)) throw thrown
        problems.push(thrown.message)
      }
    }
  }
  return { opened, problems }
}

async function moves({ db }: State): Promise<string[]> {
  const { moved, arriving } = await readMoves(db)
  if (moved !== undefined) return [moved.done ? `it was moved to ${moved.to}` : `its copy to ${moved.to} was cut short: run it again`]
  return arriving === undefined ? [] : ['it is a copy that was cut short: run it again']
}

function childrenOf({ folder }: State): string[] {
  return orphansIn(folder).map((name) => `a command of a run that was killed is still at work (${name})`)
}
