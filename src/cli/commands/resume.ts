import { openCampaignsOf, resumeCampaign } from '../../operations/campaign.ts'
import { resume, type ResumeOptions } from '../../operations/rotate.ts'
import { status } from '../../operations/status.ts'
import { KeyturnError } from '../../kit/index.ts'
import { EXIT, exitOf, exitOfRun, worseExit } from '../exit.ts'
import { progressTo, tellCampaign, tellFailure, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
  readonly acknowledge?: readonly string[]
  readonly reason?: string
}

/** `keyturn resume [rotation]`: goes on with what is open, oldest first, a person having looked at what was paused. */
export async function run({ runtime, terminal }: Session, [named]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const ofThis = (row: { readonly system: string; readonly environment: string }): boolean => row.system === manifest.system && row.environment === manifest.environment
  const answersFor = acknowledgementOf(named, options)
  const campaigns = await openCampaignsOf(runtime, manifest)
  const meant = campaigns.filter(({ campaign }) => named === undefined || campaign.id === named)
  const theirs = new Set(meant.flatMap(({ open }) => open))
  const rotations = named === undefined ? (await status(runtime, manifest)).flatMap(({ row }) => (ofThis(row) && !theirs.has(row.id) ? [row.id] : [])).toReversed() : meant.length > 0 ? [] : [named]
  if (rotations.length + meant.length === 0 && !json) terminal.out('Nothing is open.')
  const several = rotations.length + meant.length > 1
  let worst: number = EXIT.done
  for (const { campaign } of meant) {
    worst = worseExit(worst, tellCampaign(terminal, await resumeCampaign(runtime, manifest, campaign.id, { ...progressTo(terminal, json, true), wait: options.wait === true }), json))
  }
  for (const rotation of rotations) {
    try {
      const outcome = await resume(runtime, manifest, rotation, { ...progressTo(terminal, json, several), wait: options.wait === true, ...answersFor })
      tellOutcome(terminal, outcome, json, several)
      worst = worseExit(worst, exitOfRun(outcome))
    } catch (thrown) {
      // One that cannot go on does not keep the others from going on.
      if (!several || !(thrown instanceof KeyturnError)) throw thrown
      tellFailure(terminal, rotation, thrown, json)
      worst = worseExit(worst, exitOf(thrown.code))
    }
  }
  return worst
}

/** A person answers for one rotation at a time, and says why. */
function acknowledgementOf(rotation: string | undefined, { acknowledge: what, reason }: Options): Pick<ResumeOptions, 'acknowledge'> {
  if (what === undefined) return {}
  if (rotation === undefined) throw new KeyturnError('USAGE', '--acknowledge needs the rotation', { hint: 'Name it: `keyturn resume ROTATION --acknowledge NAME --reason TEXT`.' })
  if (reason === undefined || reason.trim() === '') throw new KeyturnError('USAGE', '--acknowledge needs --reason', { hint: 'Say why you can answer for it; the journal and the receipt keep it.' })
  return { acknowledge: { what, reason } }
}
