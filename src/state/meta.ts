import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { KeyturnError } from '../kit/error.ts'
import type { Identity } from '../sealing/identity.ts'
import type { Tables } from './schema.ts'

/** What a state says of itself. */
export interface Meta {
  /** Absent until the state was first opened with an identity. */
  readonly bound?: {
    /** A name that no other state has; a copy keeps it. */
    readonly id: string
    /** Whose it is, `age1...`. */
    readonly recipient: string
    /** PEM of the key that signs its receipts. */
    readonly publicKey: string
  }
}

/** Reads it. */
export async function readMeta(db: Kysely<Tables>): Promise<Meta> {
  const rows = await db.selectFrom('meta').selectAll().execute()
  const { id = '', recipient, public_key: publicKey } = Object.fromEntries(rows.map((row) => [row.key, row.value]))
  return recipient === undefined || publicKey === undefined ? {} : { bound: { id, recipient, publicKey } }
}

/**
 * Remembers whose state it is, so that another identity is told before it seals a value that nobody can open: of several first ones
 * the quickest counts. Throws IDENTITY_WRONG for another one.
 */
export async function bindIdentity(db: Kysely<Tables>, identity: Identity): Promise<NonNullable<Meta['bound']>> {
  let { bound } = await readMeta(db)
  if (bound === undefined || bound.id === '') {
    // In one statement: there is no moment in which the one is known and the other is not.
    const values = [{ key: 'recipient', value: identity.recipient }, { key: 'public_key', value: identity.publicKey }, { key: 'id', value: randomUUID() }]
    await db.insertInto('meta').values(values).onConflict((oc) => oc.doNothing()).execute()
    bound = (await readMeta(db)).bound
  }
  if (bound?.recipient !== identity.recipient) throw new KeyturnError('IDENTITY_WRONG', `the state belongs to ${bound?.recipient ?? 'nobody'}`)
  return bound
}
