import { ownerIsDead } from '../../engine/owner.ts'
import { openCampaignsOf } from '../../operations/campaign.ts'
import { incidents } from '../../operations/incident.ts'
import { undelivered } from '../../operations/notify.ts'
import { status } from '../../operations/status.ts'
import { openCampaignLines, openCampaignOf } from '../../views/campaign.ts'
import { incidentDocument, openIncidentLines } from '../../views/incident.ts'
import { undeliveredLines } from '../../views/notify.ts'
import { brokenLines, brokenStatusOf, statusLines, statusOf } from '../../views/status.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn status`: what is open and what it waits for. A broken journal is named beside the others, and is an error. Needs no identity. */
export async function run({ terminal, runtime }: Session, _: readonly string[], options: CommonOptions): Promise<number> {
  const now = Date.now()
  const manifest = await manifestOf(options)
  const all = await status(runtime, manifest)
  const unclosed = (await incidents(runtime, manifest)).filter(({ closed }) => closed === undefined)
  const notTold = await undelivered(runtime, manifest)
  const open = all.flatMap((each) => ('progress' in each ? [{ ...statusOf(each.row, each.progress, now, ownerIsDead), ...(each.advice === undefined ? {} : { escalation: each.advice }) }] : []))
  const broken = all.flatMap((each) => ('broken' in each ? [brokenStatusOf(each.row, each.broken)] : []))
  const campaigns = (await openCampaignsOf(runtime, manifest)).map(openCampaignOf)
  const unbegun = campaigns.filter(({ rest }) => rest.length > 0)
  const none = open.length === 0 && broken.length + unbegun.length > 0
  const lines = [...(none ? [] : statusLines(open, terminal.paint)), ...brokenLines(broken, terminal.paint), ...openCampaignLines(unbegun, terminal.paint), ...openIncidentLines(unclosed, terminal.paint), ...undeliveredLines(notTold, terminal.paint)]
  if (options.json === true) terminal.out(JSON.stringify({ open, broken, campaigns, incidents: unclosed.map(incidentDocument), ...(manifest.notifiers === undefined ? {} : { undelivered: notTold }) }, null, 2))
  else for (const line of lines) terminal.out(line)
  return broken.length === 0 ? EXIT.done : EXIT.error
}
