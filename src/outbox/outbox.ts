import type { Kysely, Selectable } from 'kysely'
import type { Code, Ms, Notice } from '../kit/index.ts'
import type { Tables } from '../state/schema.ts'

/** A notice for one notifier, as it lies in the state. */
export type Kept = Selectable<Tables['notice']>

/** Whose notices: a state may hold those of several manifests. */
export interface Whose {
  readonly system: string
  readonly environment: string
}

/** What is put: a notice, and who is told. */
export interface Addressed {
  readonly notice: Notice
  readonly to: readonly string[]
}

/** While one worker sends a notice no other one does; longer than a delivery may take. */
const LEASE_MS: Ms = 30_000

/** A notice that could not be delivered for so long is given up, and one that is as old when it is found is none any more. */
export const NEWS_MS: Ms = 86_400_000

/** What was delivered or given up is forgotten after so long; longer than any notice is told ahead. */
const KEPT_MS: Ms = 60 * 86_400_000

/** So many rows in one statement. */
const BATCH = 100

/** So many pending notices are looked at at once. */
const PENDING = 500

/** Puts notices, each once however often it is put. Answers how many rows are new. */
export async function putNotices(db: Kysely<Tables>, all: readonly Addressed[], now: number): Promise<number> {
  const rows = all.flatMap(({ notice, to }) => to.map((notifier) => ({
    id: notice.id, notifier, system: notice.system, environment: notice.environment, at: now, body: JSON.stringify(notice), tries: 0, due_at: now, sent_at: null, code: null,
  })))
  let fresh = 0
  for (let from = 0; from < rows.length; from += BATCH) {
    const results = await db.insertInto('notice').values(rows.slice(from, from + BATCH)).onConflict((oc) => oc.columns(['id', 'notifier']).doNothing()).execute()
    fresh += results.reduce((sum, { numInsertedOrUpdatedRows = 0n }) => sum + Number(numInsertedOrUpdatedRows), 0)
  }
  return fresh
}

/** What is not delivered yet, in the order in which it was put. */
export function pendingNotices(db: Kysely<Tables>, { system, environment }: Whose): Promise<Kept[]> {
  return db.selectFrom('notice').selectAll().where('system', '=', system).where('environment', '=', environment).where('due_at', 'is not', null).orderBy('at').orderBy('id').orderBy('notifier').limit(PENDING).execute()
}

/** Takes one to send it, for a while: of two workers that saw the same row one gets it, the other undefined. */
export async function takeNotice(db: Kysely<Tables>, seen: Kept, now: number): Promise<Kept | undefined> {
  const taken = { due_at: now + LEASE_MS, tries: seen.tries + 1, code: null }
  const result = await at(db, seen).set(taken).where('due_at', '=', seen.due_at).where('tries', '=', seen.tries).executeTakeFirst()
  return result.numUpdatedRows === 1n ? { ...seen, ...taken } : undefined
}

/** It arrived. */
export async function markSent(db: Kysely<Tables>, kept: Kept, now: number): Promise<void> {
  await at(db, kept).set({ due_at: null, sent_at: now, code: null }).execute()
}

/** It did not: it is tried again after a while, ever longer; given up when it is no news any more, or when it `never` will. */
export async function markFailed(db: Kysely<Tables>, kept: Kept, code: Code, never: boolean, now: number): Promise<void> {
  const over = never || now - kept.at >= NEWS_MS
  await at(db, kept).set({ due_at: over ? null : now + backoff(kept.tries), code }).where('sent_at', 'is', null).execute()
}

/** Before the n-th new try: ten seconds, doubling up to half an hour. */
function backoff(tries: number): Ms {
  return Math.min(1_800_000, 10_000 * 2 ** Math.min(tries - 1, 10))
}

function at(db: Kysely<Tables>, { id, notifier }: Pick<Kept, 'id' | 'notifier'>) {
  return db.updateTable('notice').where('id', '=', id).where('notifier', '=', notifier)
}

/** The newest notices of a manifest, newest first. */
export function listNotices(db: Kysely<Tables>, { system, environment }: Whose, atMost: number): Promise<Kept[]> {
  return db.selectFrom('notice').selectAll().where('system', '=', system).where('environment', '=', environment).orderBy('at', 'desc').orderBy('id', 'desc').orderBy('notifier').limit(atMost).execute()
}

/** How a notice stands: `failing` is tried again, `given-up` is not. */
export type Fate = 'pending' | 'failing' | 'sent' | 'given-up'

/** How it stands. Pure. */
export function fateOf({ due_at, sent_at, code }: Pick<Kept, 'due_at' | 'sent_at' | 'code'>): Fate {
  if (sent_at !== null) return 'sent'
  if (due_at === null) return 'given-up'
  return code === null ? 'pending' : 'failing'
}

/** Those that were not delivered: they are tried again, or were given up within the last days. */
export async function failedNotices(db: Kysely<Tables>, { system, environment }: Whose, now: number): Promise<Kept[]> {
  return db.selectFrom('notice').selectAll().where('system', '=', system).where('environment', '=', environment).where('sent_at', 'is', null).where('code', 'is not', null).where('at', '>', now - 7 * NEWS_MS).orderBy('at').orderBy('id').orderBy('notifier').execute()
}

/** The newest id that begins like this; undefined when there is none. */
export async function newestId(db: Kysely<Tables>, prefix: string): Promise<string | undefined> {
  const row = await db.selectFrom('notice').select('id').where((eb) => eb(eb.fn<string>('substr', ['id', eb.val(1), eb.val(prefix.length)]), '=', prefix)).orderBy('at', 'desc').orderBy('id', 'desc').executeTakeFirst()
  return row?.id
}

/** Forgets what was delivered or given up long ago. */
export async function forgetNotices(db: Kysely<Tables>, now: number): Promise<void> {
  await db.deleteFrom('notice').where('due_at', 'is', null).where('at', '<', now - KEPT_MS).execute()
}
