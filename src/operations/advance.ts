import { hasFailed, isOut, isPresented } from '../campaign/member.ts'
import { parentsOf } from '../campaign/order.ts'
import { type Campaign, type Left, readCampaigns, recordEnded, recordLeft, rotationId } from '../campaign/record.ts'
import type { Engine } from '../engine/engine.ts'
import { newRotation, openRotationOf, planSecret } from '../engine/rotate.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { type Code, KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { insertRotation, type NewRotation } from '../state/rotation.ts'

/** One secret of a campaign. */
export interface Standing {
  readonly secret: string
  /** The id of its rotation, begun or not. */
  readonly rotation: string
  /** By its journal; absent when it was not begun, or its journal is broken. */
  readonly progress?: Progress
  readonly broken?: KeyturnError
  readonly left?: Left
}

/** What is to be done for a campaign as a whole: begin a batch, or begin nothing more; absent while the rotations that are open go on. */
export type Turn = { readonly begin: readonly string[] } | { readonly end: readonly string[] }

/** Trouble of the state or of this process: it says nothing of a secret, and passes. */
const NOT_ITS_OWN: ReadonlySet<Code> = new Set<Code>(['PAUSED', 'LOCKED', 'STATE_UNREACHABLE', 'STATE_FULL', 'STATE_MOVED', 'IDENTITY_MISSING', 'IDENTITY_WRONG', 'IDENTITY_UNSAFE', 'INTERNAL'])

/** How each secret of a campaign stands, in its order. */
export async function standingOf({ state }: Pick<Engine, 'state'>, campaign: Campaign): Promise<Standing[]> {
  const left = (await readCampaigns(state.db, campaign)).find((each) => each.campaign.id === campaign.id)?.left ?? []
  const all = campaign.batches.flat().map((secret) => ({ secret, rotation: rotationId(campaign, secret) }))
  const rows = await state.db.selectFrom('rotation').select('id').where('id', 'in', all.map(({ rotation }) => rotation)).execute()
  return Promise.all(all.map(async (each): Promise<Standing> => {
    const why = left.find(({ secret }) => secret === each.secret)
    if (!rows.some(({ id }) => id === each.rotation)) return { ...each, ...(why === undefined ? {} : { left: why }) }
    try {
      return { ...each, progress: foldProgress((await readEvents({ state }, each.rotation)).events) }
    } catch (thrown) {
      if (thrown instanceof KeyturnError && thrown.code === 'JOURNAL_BROKEN') return { ...each, broken: thrown }
      throw thrown
    }
  }))
}

/** What the campaign as a whole does next. Pure: the same journals and notes give the same answer. */
export function turnOf({ batches, keepGoing, serial }: Campaign, standing: readonly Standing[]): Turn | undefined {
  const of = (secrets: readonly string[]): Standing[] => standing.filter(({ secret }) => secrets.includes(secret))
  const failed = standing.some(({ left, progress }) => left !== undefined || (progress !== undefined && hasFailed(progress)))
  for (const [index, batch] of batches.entries()) {
    const members = of(batch)
    const waiting = members.filter(({ left, progress, broken }) => left === undefined && progress === undefined && broken === undefined)
    // A batch begins as a whole: what is missing in one that began was left.
    if (waiting.length < members.length && members.some(({ progress, broken }) => progress !== undefined || broken !== undefined)) {
      if (members.every((each) => isSettled(each, keepGoing, serial))) continue
      return undefined
    }
    if (waiting.length === 0) continue
    return failed && !keepGoing ? { end: of(batches.slice(index).flat()).filter(({ left }) => left === undefined).map(({ secret }) => secret) } : { begin: waiting.map(({ secret }) => secret) }
  }
  return { end: [] }
}

/** Whether those that come after it need not wait for it any more. */
function isSettled({ left, progress, broken }: Standing, keepGoing: boolean, serial: boolean): boolean {
  if (left !== undefined) return true
  if (progress === undefined) return broken !== undefined && keepGoing
  if (progress.closed !== undefined || (keepGoing && isOut(progress) && progress.direction === 'forward' && progress.turnRequested === undefined)) return true
  return !serial && isPresented(progress)
}

/**
 * Begins what is to be begun next, if it is time, and answers how each secret stands. May be repeated, also by several workers at once:
 * of those one begins it. Throws what keeps anything from being begun (PAUSED, a state that does not answer).
 */
export async function advance(engine: Engine, manifest: Manifest, campaign: Campaign): Promise<Standing[]> {
  while (true) {
    const standing = await standingOf(engine, campaign)
    const recorded = (await readCampaigns(engine.state.db, campaign)).find((each) => each.campaign.id === campaign.id)
    const turn = recorded?.ended === false ? turnOf(campaign, standing) : undefined
    if (turn === undefined || engine.interrupt.aborted) return standing
    if ('end' in turn) {
      await recordEnded(engine.state, campaign.id, turn.end, engine.now())
      return standing
    }
    await begin(engine, manifest, campaign, turn.begin, standing)
  }
}

/** Begins these together, or writes down why one of them is not. */
async function begin(engine: Engine, manifest: Manifest, campaign: Campaign, secrets: readonly string[], standing: readonly Standing[]): Promise<void> {
  const made: NewRotation[] = []
  const batch = secrets.map((secret) => rotationId(campaign, secret))
  for (const secret of secrets) {
    try {
      refuseOrphan(manifest, campaign, secret, standing)
      made.push(await prepare(engine, manifest, campaign, secret, batch))
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError) || NOT_ITS_OWN.has(thrown.code)) throw thrown
      return recordLeft(engine.state, campaign.id, { secret, code: thrown.code, about: thrown.about }, engine.now())
    }
  }
  const [first, ...others] = made
  if (first === undefined) return
  try {
    await insertRotation(engine.state, first, ...others)
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError) || thrown.code !== 'ROTATION_OPEN') throw thrown
    const now = await standingOf(engine, campaign)
    // Another worker was faster.
    if (now.some(({ rotation, progress }) => progress !== undefined && batch.includes(rotation))) return
    const taken = made.find(({ principal }) => thrown.about.includes(principal)) ?? made.find(({ secret }) => thrown.about.startsWith(`${secret}-`)) ?? first
    await recordLeft(engine.state, campaign.id, { secret: taken.secret, code: thrown.code, about: thrown.about }, engine.now())
  }
}

/** Throws CAMPAIGN_STOPPED for a secret that follows one that did not come through. */
function refuseOrphan(manifest: Manifest, campaign: Campaign, secret: string, standing: readonly Standing[]): void {
  const parents = parentsOf(manifest.secrets[secret] ?? { name: secret }, campaign.batches.flat())
  const lost = standing.find(({ secret: name, left, progress }) => parents.includes(name) && (left !== undefined || progress === undefined || hasFailed(progress) || !(progress.closed !== undefined || isPresented(progress))))
  if (lost !== undefined) throw new KeyturnError('CAMPAIGN_STOPPED', lost.secret)
}

/** The plan is made now, not when the campaign began: what was restarted meanwhile has other instances. */
async function prepare(engine: Engine, manifest: Manifest, campaign: Campaign, secret: string, batch: readonly string[]): Promise<NewRotation> {
  const { identity } = engine.state
  const { id, reason, adopt, acceptImpact, keepGoing, serial } = campaign
  const open = await openRotationOf(engine, manifest, secret)
  if (open !== undefined && !batch.includes(open)) throw new KeyturnError('ROTATION_OPEN', open)
  const plan = await planSecret(engine, manifest, secret, { look: true, ...(identity === undefined ? {} : { identity }) })
  const member = { campaign: id, batch, ...(keepGoing ? { keepGoing } : {}) } as const
  return newRotation(engine, plan, { reason, adopt, acceptImpact, alone: serial, as: { id: rotationId(campaign, secret), member } })
}

/**
 * Begins what is to be begun next of every campaign of the manifest's system. One that cannot go on does not keep the others from it:
 * `onFailure` is told. Whoever goes on with what is due carries the rotations out.
 */
export async function advanceAll(engine: Engine, manifest: Manifest, onFailure: (campaign: string, error: KeyturnError) => void): Promise<void> {
  for (const { campaign, ended } of await readCampaigns(engine.state.db, manifest)) {
    if (ended || engine.interrupt.aborted) continue
    try {
      await advance(engine, manifest, campaign)
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError)) throw thrown
      // A pause ends some day.
      if (thrown.code !== 'PAUSED') onFailure(campaign.id, thrown)
    }
  }
}
