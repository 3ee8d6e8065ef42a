import type { Kysely } from 'kysely'
import type { Notice } from '../kit/index.ts'
import { readEvents } from '../journal/read.ts'
import type { Manifest } from '../manifest/model.ts'
import { noticesOf } from '../notices/of-journal.ts'
import type { RotationRow } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'
import { address } from '../telling/route.ts'
import { type Addressed, NEWS_MS } from './outbox.ts'

/** The notices that a rotation's journal gives, all of them. Throws JOURNAL_BROKEN. */
export async function noticesIn(db: Kysely<Tables>, rotation: string): Promise<Notice[]> {
  return noticesOf(rotation, (await readEvents({ state: { db } }, rotation)).events)
}

/** The rotations of a manifest of which there may be news: those that are open, and those that were closed within a day. */
export async function rotationsInTheNews(db: Kysely<Tables>, { system, environment }: Manifest, now: number): Promise<RotationRow[]> {
  const all = db.selectFrom('rotation').selectAll().where('system', '=', system).where('environment', '=', environment)
  return all.where((eb) => eb.or([eb('result', 'is', null), eb('closed_at', '>', now - NEWS_MS)])).execute()
}

/** Those that are news at `now`, with who is told of each. A notice that nobody is told of is left out. Pure. */
export function addressed({ secrets, routes = [] }: Manifest, notices: readonly Notice[], now: number): Addressed[] {
  return notices.flatMap((notice) => {
    if (notice.at <= now - NEWS_MS) return []
    const secret = notice.secret === undefined ? undefined : secrets[notice.secret]
    const ahead = notice.kind === 'impact-ahead' ? (secret?.notice?.to ?? []) : []
    const all = address(notice, routes, [...ahead, ...(secret?.notify ?? [])])
    return all.to.length === 0 ? [] : [all]
  })
}
