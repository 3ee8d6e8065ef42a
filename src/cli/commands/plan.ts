import { writeFileSync } from 'node:fs'
import { planSecret } from '../../engine/rotate.ts'
import type { Plan } from '../../plan/plan.ts'
import { planLines } from '../../views/plan.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, knownIdentity, manifestOf, plannerOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly offline?: boolean
  readonly out?: string
}

/** `keyturn plan [secret]`: what would happen, and nothing happens. */
export async function run(session: Session, [name]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const planner = plannerOf(session)
  const identity = options.offline === true ? undefined : await knownIdentity(session)
  const names = name === undefined ? Object.keys(manifest.secrets).filter((each) => manifest.secrets[each]?.lifecycle === 'active') : [name]
  const plans: Plan[] = []
  for (const each of names) plans.push(await planSecret(planner, manifest, each, { look: options.offline !== true, ...(identity === undefined ? {} : { identity }) }))
  if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(name === undefined ? plans : plans[0], null, 2)}\n`)
  if (options.json === true) session.terminal.out(JSON.stringify(name === undefined ? { plans } : { plan: plans[0] }, null, 2))
  else for (const plan of plans) for (const line of planLines(plan, session.terminal.paint)) session.terminal.out(line)
  return EXIT.done
}
