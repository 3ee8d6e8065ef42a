import type { Kysely } from 'kysely'
import { readCampaigns, rotationId } from '../campaign/record.ts'
import type { Evidence } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { aheadIdOf } from '../notices/of-time.ts'
import { newestId } from '../outbox/outbox.ts'
import type { Past } from '../schedule/agenda.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { listRotations, type RotationRow } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'
import { EXPIRES } from '../steps/sweep.ts'
import { type Mark, readMarks } from './events.ts'

/** An open rotation that nobody has gone on with for so long after its time is left alone. */
const LEFT_MS = 600_000

/** What the state says at `now` of each secret of a manifest; one of which it knows nothing is absent. */
export async function readPast(manifest: Manifest, db: Kysely<Tables>, now: number): Promise<ReadonlyMap<string, Past>> {
  const { system, environment, schedule } = manifest
  const past = new Map<string, Past>()
  const add = (secret: string, more: Past): void => void past.set(secret, { ...past.get(secret), ...more })
  const campaigns = await readCampaigns(db, { system, environment })
  const campaignOf = new Map(campaigns.flatMap(({ campaign }) => campaign.batches.flat().map((name) => [rotationId(campaign, name), campaign.id])))
  // Newest first: the first one that was done is the last one.
  for (const row of await listRotations(db, { system, environment })) {
    const { id, secret, result, opened_at: openedAt, closed_at: closedAt } = row
    const { last, failed } = past.get(secret) ?? {}
    if (result === null) add(secret, { open: id, ...whyStuck(row, now) })
    else if (result === 'done' && last === undefined) add(secret, { last: { rotation: id, openedAt, closedAt: closedAt ?? openedAt, ...(campaignOf.has(id) ? { campaign: campaignOf.get(id) ?? '' } : {}) } })
    else if (result !== 'done' && last === undefined && failed === undefined) add(secret, { failed: { closedAt: closedAt ?? openedAt } })
  }
  for (const { name, notice } of Object.values(manifest.secrets)) {
    const prefix = aheadIdOf(manifest, name)
    const newest = notice === undefined ? undefined : await newestId(db, prefix)
    if (newest !== undefined) add(name, { announced: Number(newest.slice(prefix.length)) })
  }
  for (const mark of await readMarks(db, manifest)) {
    const { secret, event, at, expiresAt } = mark
    if (!(await holds(db, manifest, mark, past.get(secret)))) continue
    if (event === 'expiry') add(secret, expiresAt === undefined ? {} : { expiresAt })
    else add(secret, { marked: { ...past.get(secret)?.marked, [event]: at } })
  }
  for (const { name, on = [] } of Object.values(manifest.secrets)) {
    const { last, expiresAt } = past.get(name) ?? {}
    const told = last === undefined || !on.includes('expiry') ? undefined : await expiryTold(db, last.rotation)
    if (told !== undefined) add(name, { expiresAt: Math.min(told, expiresAt ?? told) })
  }
  if (schedule?.after === undefined) return past
  for (const { secret, result, opened_at: openedAt } of await listRotations(db, { system, environment: schedule.after })) {
    if (result === 'done' && past.get(secret)?.first === undefined) add(secret, { first: { openedAt } })
  }
  return past
}

/**
 * Whether what was said of a credential still holds: not of the one after it, and as long as it is in use, or was until the rotation that
 * is open now is done. A change at the provider is no credential's.
 */
async function holds(db: Kysely<Tables>, { system, environment }: Manifest, { secret, event, at, fingerprint }: Mark, { last, open }: Past = {}): Promise<boolean> {
  const ledger = event === 'provider-change' || fingerprint === undefined ? [] : await readLedger(db, secretKey(system, environment, secret))
  const state = ledger.find((row) => row.fingerprint === fingerprint)?.state
  if (state === undefined) return at >= (last?.openedAt ?? 0)
  return state === 'presented' || (open !== undefined && state === 'accepted')
}

/** When the credential that a rotation ended with expires, as its provider said; undefined when it did not. */
async function expiryTold(db: Kysely<Tables>, rotation: string): Promise<number | undefined> {
  const rows = await db.selectFrom('event').select('body').where('rotation', '=', rotation).where('type', '=', 'step-done').where('body', 'like', '%"step":"sweep"%').orderBy('seq', 'desc').limit(1).execute()
  const told = rows.map(({ body }) => (JSON.parse(body) as { evidence: Evidence }).evidence[EXPIRES])[0]
  return typeof told === 'number' ? told : undefined
}

/** It waits for a person, or for somebody who runs keyturn. */
function whyStuck({ waits_for: waitsFor, due_at: dueAt, lease_until: until }: RotationRow, now: number): Pick<Past, 'stuck'> {
  if (waitsFor !== null && /^a (person|task): /.test(waitsFor)) return { stuck: `waits for ${waitsFor}` }
  const since = Math.max(dueAt ?? Number.POSITIVE_INFINITY, until)
  return since + LEFT_MS < now ? { stuck: `nobody has gone on with it since ${new Date(since).toISOString().slice(0, 16)}Z: \`keyturn run\` does` } : {}
}
