import { batchesFor, selectSecrets, type Selection } from '../../operations/campaign.ts'
import { plan } from '../../operations/rotate.ts'
import type { Plan } from '../../plan/plan.ts'
import { batchLines } from '../../views/campaign.ts'
import { planLines } from '../../views/plan.ts'
import { EXIT } from '../exit.ts'
import { writeOut } from '../out.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions, Omit<Selection, 'names'> {
  readonly offline?: boolean
  readonly out?: string
}

/** `keyturn plan [secret...]`: what would happen, and nothing happens. */
export async function run({ runtime, terminal }: Session, words: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const chooses = words.length > 0 || options.all === true || options.due === true || options.owner !== undefined || options.tag !== undefined
  const names = await selectSecrets(runtime, manifest, { names: words, ...options, ...(chooses ? {} : { all: true }) }, Date.now())
  // One that is named, and that nothing follows, is a plan by itself.
  const single = words.length === 1 && names.length === 1
  const plans: Plan[] = []
  for (const each of names) plans.push(await plan(runtime, manifest, each, { offline: options.offline === true }))
  const batches = batchesFor(manifest, plans)
  if (options.out !== undefined) writeOut(options.out, `${JSON.stringify(single ? plans[0] : plans, null, 2)}\n`)
  if (options.json === true) terminal.out(JSON.stringify(single ? { plan: plans[0] } : { plans, batches }, null, 2))
  else for (const each of plans) terminal.out(planLines(each, terminal.paint).join('\n'))
  if (options.json !== true && plans.length > 1) for (const line of batchLines(batches, terminal.paint)) terminal.out(line)
  return EXIT.done
}
