import { createHash } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { Tables } from '../state/schema.ts'

type Table = keyof Tables

/** Every table, and how it is gone through; the compiler knows when one is forgotten. */
const KINDS: Readonly<Record<Table, 'of the place' | 'rotations' | 'by rotation' | 'at once'>> = {
  meta: 'of the place',
  rotation: 'rotations',
  event: 'by rotation',
  sealed: 'by rotation',
  receipt: 'by rotation',
  note: 'at once',
  notice: 'at once',
  credential: 'at once',
}

/** One row, as it is the same in every database. */
export interface Row {
  readonly table: Exclude<Table, 'meta'>
  readonly values: Readonly<Record<string, unknown>>
}

/** Stands before the name of an owner whose rotation was taken away for a move. */
export const MOVER = 'keyturn state copy'

/** Whoever held it before a move took it away; null when nobody did. */
function ownerBefore(owner: string | null): string | null {
  if (owner === null || !owner.startsWith(MOVER)) return owner
  const before = owner.slice(MOVER.length).trimStart()
  return before === '' ? null : before
}

/** The name under which a move holds a rotation. */
export function takenFrom(owner: string | null): string {
  return `${MOVER} ${ownerBefore(owner) ?? ''}`.trimEnd()
}

/** As the rotation is when nobody holds it: the name of an owner stays only with what a step of it may still do. */
export function released<R extends Selectable<Tables['rotation']>>(row: R): R {
  return { ...row, owner: row.holds === null ? null : ownerBefore(row.owner), lease_until: 0 }
}

/**
 * All rows but those of the place itself, one rotation after the other, so that never much of it is in memory. The order is the same
 * whatever the database sorts by. Numbers that a database gives by itself are left out.
 */
export async function* rowsOf(db: Kysely<Tables>): AsyncGenerator<Row> {
  const ids = (await db.selectFrom('rotation').select('id').execute()).map((row) => row.id).toSorted()
  for (const id of ids) {
    for (const row of await db.selectFrom('rotation').selectAll().where('id', '=', id).execute()) yield { table: 'rotation', values: released(row) }
    for (const values of await db.selectFrom('event').selectAll().where('rotation', '=', id).orderBy('seq').execute()) yield { table: 'event', values }
    const sealed = await db.selectFrom('sealed').selectAll().where('rotation', '=', id).execute()
    for (const values of sealed.toSorted((a, b) => (a.name < b.name ? -1 : 1))) yield { table: 'sealed', values }
    for (const values of await db.selectFrom('receipt').selectAll().where('rotation', '=', id).execute()) yield { table: 'receipt', values }
  }
  for (const values of await db.selectFrom('note').selectAll().orderBy('seq').execute()) yield { table: 'note', values }
  for (const values of (await db.selectFrom('notice').selectAll().execute()).toSorted((a, b) => (`${a.id} ${a.notifier}` < `${b.id} ${b.notifier}` ? -1 : 1))) yield { table: 'notice', values }
  for (const { id: _, ...values } of await db.selectFrom('credential').selectAll().orderBy('id').execute()) yield { table: 'credential', values }
}

/** Takes all of them away. */
export async function clearRows(tx: Kysely<Tables>): Promise<void> {
  const order = Object.entries(KINDS).toSorted(([, a], [, b]) => Number(a === 'rotations') - Number(b === 'rotations'))
  for (const [table, kind] of order) if (kind !== 'of the place') await tx.deleteFrom(table as Table).execute()
}

/** Counts rows by table, and makes a digest that only the same rows in the same order have. */
export class Tally {
  readonly counts: Record<Row['table'], number> = { rotation: 0, event: 0, sealed: 0, receipt: 0, note: 0, notice: 0, credential: 0 }
  readonly #hash = createHash('sha256')

  add({ table, values }: Row): void {
    this.counts[table] += 1
    const cells = Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value])
    this.#hash.update(`${table} ${JSON.stringify(cells)}\n`)
  }

  /** The digest; nothing can be added after it. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}
