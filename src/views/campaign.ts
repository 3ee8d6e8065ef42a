import type { Campaign } from '../campaign/record.ts'
import type { Batch } from '../operations/campaign.ts'
import type { CampaignOutcome, MemberOutcome } from '../operations/carry.ts'
import { moment } from './duration.ts'
import type { Paint } from './paint.ts'
import { stopLines } from './progress.ts'

/** A campaign as `--json` gives it: one outcome for each secret, in the order in which they were worked on. */
export function campaignDocument({ campaign, members }: CampaignOutcome): object {
  return {
    campaign,
    members: members.map(({ secret, outcome, error }) => ({
      secret,
      ...(outcome ?? (error === undefined ? { is: 'not-begun' } : {})),
      ...(error === undefined ? {} : { is: outcome?.is ?? 'not-begun', error: { code: error.code, message: error.message, hint: error.hint } }),
    })),
  }
}

/** Where each stopped, what was not begun, and how it goes on. `named` puts the rotation before a line. */
export function campaignLines({ campaign, members }: CampaignOutcome, named: (rotation: string, line: string) => string, paint: Paint): string[] {
  const stopped = members.flatMap(({ outcome }) => (outcome === undefined ? [] : stopLines(outcome, outcome.rotation, outcome.receipt, paint).map((line) => named(outcome.rotation, line))))
  const refused = members.flatMap(({ secret, outcome, error }) => (error === undefined ? [] : [`${paint.bad(error.code)} ${outcome?.rotation ?? secret}: ${error.message}`, error.hint]))
  return [...stopped, ...refused, ...restLines(campaign, members, paint)]
}

/** What was not begun: by itself when it goes on, or by another command when it stopped. */
function restLines(campaign: string, members: readonly MemberOutcome[], paint: Paint): string[] {
  const rest = members.filter(({ outcome, error }) => outcome === undefined && error === undefined).map(({ secret }) => secret)
  if (rest.length === 0) return []
  const stopped = members.some(({ outcome, error }) => error !== undefined || (outcome?.is === 'closed' && outcome.result !== 'done'))
  if (!stopped) return [`Not begun yet: ${rest.join(', ')}. They follow with \`keyturn run\`, or \`keyturn resume ${campaign}\`.`]
  return [paint.warn(`Not begun: ${rest.join(', ')}. Nothing of them was changed.`), `Go on with \`keyturn rotate ${rest.join(' ')}\`; with --keep-going one that fails does not stop the others.`]
}

/** In what order several are rotated, and what is restarted once for several. */
export function batchLines(batches: readonly Batch[], paint: Paint): string[] {
  return [
    paint.strong(`${batches.flatMap(({ secrets }) => secrets).length} secrets, one after another:`),
    ...batches.flatMap(({ secrets, shared }, index) => [`  ${index + 1}. ${secrets.join(', ')}`, ...shared.map((each) => `     ${paint.dim(`${each.consumer} is reloaded once for ${each.secrets.join(', ')}`)}`)]),
  ]
}

/** A campaign that goes on, as `status --json` gives it. */
export interface OpenCampaign {
  readonly campaign: string
  /** ISO 8601. */
  readonly begun: string
  /** Names of secrets: one batch after another. */
  readonly batches: readonly (readonly string[])[]
  /** Its rotations that are open. */
  readonly open: readonly string[]
  /** Secrets that are still to be begun. */
  readonly rest: readonly string[]
}

/** The same for scripts. */
export function openCampaignOf({ campaign, open, rest }: { readonly campaign: Campaign; readonly open: readonly string[]; readonly rest: readonly string[] }): OpenCampaign {
  return { campaign: campaign.id, begun: moment(campaign.at), batches: campaign.batches, open, rest }
}

/** Campaigns that have something left to begin. */
export function openCampaignLines(open: readonly OpenCampaign[], paint: Paint): string[] {
  return open.flatMap(({ campaign, rest }) => [`${paint.strong(campaign)}  not begun yet: ${rest.join(', ')}`, `  ${paint.dim(`keyturn resume ${campaign} goes on, and so does keyturn run`)}`])
}
