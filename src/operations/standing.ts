import type { Kysely } from 'kysely'
import type { Notice } from '../kit/index.ts'
import { readIncidents } from '../emergency/notes.ts'
import type { Manifest } from '../manifest/model.ts'
import { aheadNotice, incidentNotice, noticesOfTime, SOON_MS, stillNotice } from '../notices/of-time.ts'
import { rotationsInTheNews } from '../outbox/derive.ts'
import { agendaOf } from '../schedule/agenda.ts'
import type { RotationRow } from '../state/rotation.ts'
import type { Tables } from '../state/schema.ts'
import { listDue } from './due.ts'
import { readPast } from './past.ts'

/** What a worker remembers of rotations: up to which entry their news were told, and the last of it. */
export type Memory = Map<string, { readonly seq?: number; readonly last?: Notice }>

/** An open rotation that nobody has gone on with for so long after its time is left alone. */
const LEFT_MS = 900_000

/**
 * What people are told because time has passed: secrets that are due, overdue or about to be felt, rotations that stand still or are
 * left alone; and the rotations that moved since it was looked last (`touched`), which the memory has from then on.
 */
export async function standingNotices(db: Kysely<Tables>, manifest: Manifest, memory: Memory, now: number): Promise<{ readonly notices: readonly Notice[]; readonly touched: readonly string[] }> {
  const rows = await rotationsInTheNews(db, manifest, now)
  const touched = rows.filter(({ id, seq }) => memory.get(id)?.seq !== seq).map(({ id }) => id)
  const again = rows.flatMap(({ id, seq }) => {
    const known = memory.get(id)
    memory.set(id, { ...known, seq })
    return known?.last === undefined || known.seq !== seq ? [] : (stillNotice(known.last, now) ?? [])
  })
  for (const id of memory.keys()) if (!rows.some((row) => row.id === id)) memory.delete(id)
  const left = new Map(rows.flatMap((row) => leftSince(row, now)))
  const standing = (await listDue(manifest, db, now, SOON_MS)).map((due) => ({ ...due, ...(due.open === undefined || !left.has(due.open) ? {} : { left: left.get(due.open) ?? now }) }))
  const incidents = (await readIncidents(db, manifest)).flatMap((incident) => (incident.closed === undefined ? (incidentNotice(incident, manifest, now) ?? []) : []))
  return { notices: [...again, ...incidents, ...noticesOfTime(standing, manifest, now), ...(await aheadNotices(db, manifest, now))], touched }
}

/** Since when an open rotation is due and nobody has it, by its id. */
function leftSince({ id, result, due_at: dueAt, lease_until: until }: RotationRow, now: number): [string, number][] {
  if (result !== null || dueAt === null) return []
  const since = Math.max(dueAt, until)
  return since + LEFT_MS < now ? [[id, since]] : []
}

/** Of what users will feel they are told when it is as long ahead as the manifest says; from then on its time stands. */
async function aheadNotices(db: Kysely<Tables>, manifest: Manifest, now: number): Promise<Notice[]> {
  const { schedule } = manifest
  if (schedule === undefined || Object.values(manifest.secrets).every(({ notice }) => notice === undefined)) return []
  const agenda = agendaOf(schedule, Object.values(manifest.secrets), await readPast(manifest, db, now), now)
  return agenda.flatMap(({ secret: name, begins }) => {
    const { notice, impact = '', owner } = manifest.secrets[name] ?? {}
    if (notice === undefined || begins === undefined || begins - notice.before > now || begins <= now) return []
    return [aheadNotice({ secret: name, impact, ...(owner === undefined ? {} : { owner }) }, begins, manifest, now)]
  })
}
