import { hash } from 'node:crypto'
import type { Code } from '../kit/index.ts'
import { appendNote } from '../state/note.ts'
import type { State } from '../state/open.ts'

/** Several secrets that somebody had rotated at once, as it was begun. */
export interface Campaign {
  readonly id: string
  readonly system: string
  readonly environment: string
  /** Names of secrets: one batch after another. */
  readonly batches: readonly (readonly string[])[]
  /** One that does not come through does not stop the others. */
  readonly keepGoing: boolean
  /** The next one begins only when the one before is closed. */
  readonly serial: boolean
  readonly adopt: boolean
  readonly acceptImpact: boolean
  readonly reason: string
  readonly by: string
  /** Unix ms. */
  readonly at: number
}

/** Why one of them was not begun. */
export interface Left {
  readonly secret: string
  readonly code: Code
  readonly about: string
}

/** A campaign as the notes have it. What became of each rotation is in its own journal. */
export interface Recorded {
  readonly campaign: Campaign
  readonly left: readonly Left[]
  /** Nothing more is begun: everything was, or it stopped. */
  readonly ended: boolean
}

const BEGUN = 'campaign-begun'
const LEFT = 'campaign-left'
const ENDED = 'campaign-ended'

/** A name that no other campaign has, of its time and what makes it unlike others. */
export function campaignId(at: number, random: string): string {
  return `campaign-${dayOf(at)}-${random}`
}

/** The id of the rotation of one of its secrets: whoever begins it, it is the same, so that none is begun twice. */
export function rotationId({ id, at }: Pick<Campaign, 'id' | 'at'>, secret: string): string {
  return `${secret}-${dayOf(at)}-${hash('sha256', `${id} ${secret}`).slice(0, 6)}`
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll('-', '')
}

/** Writes down that it begins; from here on it can be gone on with by anybody. */
export async function recordBegun(state: Pick<State, 'db' | 'commit'>, { id, at, ...body }: Campaign): Promise<void> {
  await appendNote(state, { type: BEGUN, at, body: { campaign: id, ...body } })
}

/** Writes down why one of its secrets is not begun. Twice says no more than once. */
export async function recordLeft(state: Pick<State, 'db' | 'commit'>, campaign: string, { secret, code, about }: Left, at: number): Promise<void> {
  await appendNote(state, { type: LEFT, at, body: { campaign, secret, code, about, by: 'keyturn' } })
}

/** Writes down that nothing more of it is begun. `rest` are the secrets that were not. */
export async function recordEnded(state: Pick<State, 'db' | 'commit'>, campaign: string, rest: readonly string[], at: number): Promise<void> {
  await appendNote(state, { type: ENDED, at, body: { campaign, rest, by: 'keyturn' } })
}

/** The campaigns of one system and environment, oldest first. */
export async function readCampaigns(db: State['db'], { system, environment }: Pick<Campaign, 'system' | 'environment'>): Promise<Recorded[]> {
  const rows = await db.selectFrom('note').select(['type', 'at', 'body']).where('type', 'in', [BEGUN, LEFT, ENDED]).orderBy('seq').execute()
  const found = new Map<string, { campaign: Campaign; left: Map<string, Left>; ended: boolean }>()
  for (const { type, at, body } of rows) {
    const { campaign: id, ...said } = JSON.parse(body) as { readonly campaign: string } & Campaign & Left
    if (type === BEGUN) found.set(id, { campaign: { ...said, id, at }, left: new Map(), ended: false })
    const known = found.get(id)
    if (type === LEFT) known?.left.set(said.secret, { secret: said.secret, code: said.code, about: said.about })
    if (type === ENDED && known !== undefined) known.ended = true
  }
  return [...found.values()]
    .filter(({ campaign }) => campaign.system === system && campaign.environment === environment)
    .map(({ campaign, left, ended }) => ({ campaign, left: [...left.values()], ended }))
}
