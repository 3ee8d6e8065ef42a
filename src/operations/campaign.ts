import { randomBytes } from 'node:crypto'
import { batchesOf, type SharedReload, sharedReloads, withFollowers } from '../campaign/order.ts'
import { type Campaign, campaignId, readCampaigns, recordBegun, rotationId } from '../campaign/record.ts'
import type { Engine } from '../engine/engine.ts'
import { openRotationOf, type Planner, planSecret, secretOf } from '../engine/rotate.ts'
import { foldProgress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import { openStateIfAny, type Runtime } from '../runtime.ts'
import type { State } from '../state/open.ts'
import { listRotations } from '../state/rotation.ts'
import { carry, type CampaignOutcome } from './carry.ts'
import type { DueState } from './due.ts'
import { type RunOptions, withEngine } from './follow.ts'
import { request } from './request.ts'

/** Which secrets are meant; what is given of the last four has to hold for each. */
export interface Selection {
  readonly names: readonly string[]
  /** Every one whose lifecycle is `active`. */
  readonly all?: boolean
  /** Those that are overdue, were never rotated though they have an `every`, or follow one that was rotated since. */
  readonly due?: boolean
  readonly owner?: string
  readonly tag?: string
  /** Not those that follow the chosen ones. */
  readonly only?: boolean
}

export interface CampaignOptions extends RunOptions {
  readonly reason?: string
  readonly adopt?: boolean
  readonly acceptImpact?: boolean
  readonly keepGoing?: boolean
}

/** What is rotated together: one batch after another, and what is restarted once for several. */
export interface Batch {
  readonly secrets: readonly string[]
  readonly shared: readonly SharedReload[]
}

/**
 * The names of the secrets that are meant, with those that follow them. Throws USAGE when that is nobody, or names stand beside a choice,
 * and SECRET_UNKNOWN.
 */
export async function selectSecrets(runtime: Runtime, manifest: Manifest, { names, all, due, owner, tag, only }: Selection, now: number): Promise<string[]> {
  const active = Object.values(manifest.secrets).filter(({ lifecycle }) => lifecycle === 'active')
  const chooses = all === true || due === true || owner !== undefined || tag !== undefined
  if (chooses && names.length > 0) throw new KeyturnError('USAGE', 'secrets are named, and chosen', { hint: 'Name them, or choose them with --all, --due, --owner and --tag.' })
  for (const name of names) secretOf(manifest, name)
  const wanted = due === true ? await dueNames(runtime, manifest, now) : undefined
  const chosen = chooses ? active.filter((secret) => (owner === undefined || secret.owner === owner) && (tag === undefined || secret.tags?.includes(tag) === true) && wanted?.has(secret.name) !== false).map(({ name }) => name) : [...new Set(names)]
  if (chosen.length === 0 && due !== true) throw new KeyturnError('USAGE', chooses ? 'no secret is chosen by that' : 'no secret is named', { hint: `Name them, or choose them with --all, --due, --owner or --tag. The manifest has: ${Object.keys(manifest.secrets).join(', ')}.` })
  return only === true ? chosen : withFollowers(chosen, active)
}

/** How those stand that `--due` means; what is open goes on by itself. */
const TIME_OVER: ReadonlySet<DueState> = new Set<DueState>(['compromised', 'overdue', 'unrotated', 'unknown'])

async function dueNames(runtime: Runtime, manifest: Manifest, now: number): Promise<ReadonlySet<string>> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    // Calendars are only needed here.
    const { listDue } = await import('./due.ts')
    const all = await listDue(manifest, state?.db, now, 0)
    return new Set(all.filter(({ state: is, open, behind }) => open === undefined && (TIME_OVER.has(is) || behind !== undefined)).map(({ secret }) => secret))
  } finally {
    await state?.close()
  }
}

/** In which batches these plans are carried out. Pure. */
export function batchesFor(manifest: Manifest, plans: readonly Plan[]): Batch[] {
  const batches = batchesOf(plans, Object.values(manifest.secrets), manifest.schedule?.serial === true)
  return batches.map((batch) => ({ secrets: batch.map(({ secret }) => secret), shared: sharedReloads(batch) }))
}

/**
 * Rotates several secrets as one: what follows another comes after it, and what several share restarts once. One that fails is rolled
 * back and stops what has not begun, unless `keepGoing`. Everything is looked at before the first is begun; what is not well is refused
 * then, and with `keepGoing` left out. Throws ROTATION_OPEN and IMPACT_UNACCEPTED before anything is changed.
 */
export function rotateSeveral(runtime: Runtime, manifest: Manifest, names: readonly string[], options: CampaignOptions = {}): Promise<CampaignOutcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const campaign = await planCampaign(engine, manifest, names, options)
    await recordBegun(engine.state, campaign)
    return carry(engine, manifest, campaign, options)
  })
}

async function planCampaign(engine: Engine, manifest: Manifest, names: readonly string[], { reason = 'on request', adopt = false, acceptImpact = false, keepGoing = false }: CampaignOptions): Promise<Campaign> {
  const plans = await Promise.all(names.map((name) => planSecret(engine, manifest, name, { look: false })))
  const cuts = plans.filter(({ strategy }) => strategy === 'hard-cut')
  if (cuts.length > 0 && !acceptImpact) throw new KeyturnError('IMPACT_UNACCEPTED', cuts.map(({ secret, summary }) => `${secret}: ${summary.impact}`).join('; '))
  const open = (await Promise.all(names.map((name) => openRotationOf(engine, manifest, name)))).filter((id) => id !== undefined)
  if (open.length > 0 && !keepGoing) throw new KeyturnError('ROTATION_OPEN', open.join(', '))
  if (!keepGoing) await lookAt(engine, manifest, names)
  const at = engine.now()
  const batches = batchesFor(manifest, plans).map(({ secrets }) => secrets)
  return { id: campaignId(at, randomBytes(3).toString('hex')), system: manifest.system, environment: manifest.environment, batches, keepGoing, serial: manifest.schedule?.serial === true, adopt, acceptImpact, reason, by: engine.by, at }
}

/** Before anything is begun: what makes a later one impossible is told now, and not in the middle. */
async function lookAt(planner: Planner, manifest: Manifest, names: readonly string[]): Promise<void> {
  for (const name of names) await planSecret(planner, manifest, name, { look: true })
}

/** Campaigns that go on: those that have something left to begin, and those of which a rotation is open; oldest first. */
export async function openCampaigns(state: Pick<State, 'db'>, manifest: Pick<Manifest, 'system' | 'environment'>): Promise<{ readonly campaign: Campaign; readonly rest: readonly string[]; readonly open: readonly string[] }[]> {
  const recorded = await readCampaigns(state.db, manifest)
  const ids = recorded.flatMap(({ campaign }) => campaign.batches.flat().map((secret) => rotationId(campaign, secret)))
  const rows = await listRotations(state.db, { system: manifest.system, environment: manifest.environment })
  const byId = new Map(rows.filter(({ id }) => ids.includes(id)).map((row) => [row.id, row]))
  return recorded.flatMap(({ campaign, left, ended }) => {
    const secrets = campaign.batches.flat()
    const rest = ended ? [] : secrets.filter((secret) => !byId.has(rotationId(campaign, secret)) && !left.some((each) => each.secret === secret))
    const open = secrets.map((secret) => rotationId(campaign, secret)).filter((id) => byId.get(id)?.result === null)
    return rest.length + open.length === 0 ? [] : [{ campaign, rest, open }]
  })
}

/** {@link openCampaigns} of a manifest; none where there is no state yet. Needs no identity. */
export async function openCampaignsOf(runtime: Runtime, manifest: Manifest): ReturnType<typeof openCampaigns> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    return state === undefined ? [] : await openCampaigns(state, manifest)
  } finally {
    await state?.close()
  }
}

/** Goes on with a campaign, a person having looked at what was paused or held. Throws ROTATION_UNKNOWN for one that there is not. */
export function resumeCampaign(runtime: Runtime, manifest: Manifest, id: string, options: RunOptions = {}): Promise<CampaignOutcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const campaign = (await readCampaigns(engine.state.db, manifest)).find((each) => each.campaign.id === id)?.campaign
    if (campaign === undefined) throw new KeyturnError('ROTATION_UNKNOWN', id)
    for (const rotation of (await openCampaigns(engine.state, manifest)).find((each) => each.campaign.id === id)?.open ?? []) {
      const { paused, held } = foldProgress((await readEvents(engine, rotation)).events)
      if (paused !== undefined || held !== undefined) await request(engine, rotation, 'resume')
    }
    return carry(engine, manifest, campaign, options)
  })
}
