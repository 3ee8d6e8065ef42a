import type { Kysely } from 'kysely'
import type { Manifest } from '../manifest/model.ts'
import type { Past } from '../schedule/agenda.ts'
import { listRotations } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'

/** What the state says of each secret of a manifest; one of which it knows nothing is absent. */
export async function readPast(manifest: Manifest, db: Kysely<Tables>): Promise<ReadonlyMap<string, Past>> {
  const { system, environment, schedule } = manifest
  const past = new Map<string, Past>()
  const add = (secret: string, more: Past): void => void past.set(secret, { ...past.get(secret), ...more })
  // Newest first: the first one that was done is the last one.
  for (const { id, secret, result, opened_at: openedAt, closed_at: closedAt } of await listRotations(db, { system, environment })) {
    const { last, failed } = past.get(secret) ?? {}
    if (result === null) add(secret, { open: id })
    else if (result === 'done' && last === undefined) add(secret, { last: { rotation: id, openedAt, closedAt: closedAt ?? openedAt } })
    else if (result !== 'done' && last === undefined && failed === undefined) add(secret, { failed: { closedAt: closedAt ?? openedAt } })
  }
  if (schedule?.after === undefined) return past
  for (const { secret, result, opened_at: openedAt } of await listRotations(db, { system, environment: schedule.after })) {
    if (result === 'done' && past.get(secret)?.first === undefined) add(secret, { first: { openedAt } })
  }
  return past
}
