import { readFileSync } from 'node:fs'
import { KeyturnError } from '../../kit/index.ts'
import { rotateSeveral, selectSecrets, type Selection } from '../../operations/campaign.ts'
import { rotate } from '../../operations/rotate.ts'
import type { Plan } from '../../plan/plan.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressTo, tellCampaign, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions, Omit<Selection, 'names'> {
  readonly keepGoing?: boolean
  readonly wait?: boolean
  readonly plan?: string
  readonly reason?: string
  readonly adopt?: boolean
  readonly acceptImpact?: boolean
}

/** `keyturn rotate SECRET...`: opens a rotation and carries it to its first wait; several as one. */
export async function run({ runtime, terminal }: Session, words: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const names = await selectSecrets(runtime, manifest, { names: words, ...options }, Date.now())
  const common = {
    wait: options.wait === true,
    adopt: options.adopt === true,
    acceptImpact: options.acceptImpact === true,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  }
  const [name] = names
  if (name === undefined || names.length > 1 || words.length === 0) {
    if (options.plan !== undefined) throw new KeyturnError('USAGE', '--plan is of one secret', { hint: 'Name that one, and add --only when others follow it.' })
    if (name !== undefined) return tellCampaign(terminal, await rotateSeveral(runtime, manifest, names, { ...progressTo(terminal, json, true), ...common, keepGoing: options.keepGoing === true }), json)
    terminal.out(json ? JSON.stringify({ members: [] }) : 'Nothing is due.')
    return EXIT.done
  }
  const outcome = await rotate(runtime, manifest, name, { ...progressTo(terminal, json), ...common, ...(options.plan === undefined ? {} : { plan: readPlan(options.plan) }) })
  tellOutcome(terminal, outcome, json)
  return exitOfRun(outcome)
}

function readPlan(file: string): Plan {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Plan
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} is no plan`, { hint: 'Make one with `keyturn plan SECRET --out FILE`.', cause: thrown })
  }
}
