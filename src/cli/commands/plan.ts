import { plan } from '../../operations/rotate.ts'
import type { Plan } from '../../plan/plan.ts'
import { planLines } from '../../views/plan.ts'
import { EXIT } from '../exit.ts'
import { writeOut } from '../out.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly offline?: boolean
  readonly out?: string
}

/** `keyturn plan [secret]`: what would happen, and nothing happens. */
export async function run(session: Session, [name]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const names = name === undefined ? Object.keys(manifest.secrets).filter((each) => manifest.secrets[each]?.lifecycle === 'active') : [name]
  const plans: Plan[] = []
  for (const each of names) plans.push(await plan(session.runtime, manifest, each, { offline: options.offline === true }))
  if (options.out !== undefined) writeOut(options.out, `${JSON.stringify(name === undefined ? plans : plans[0], null, 2)}\n`)
  if (options.json === true) session.terminal.out(JSON.stringify(name === undefined ? { plans } : { plan: plans[0] }, null, 2))
  else for (const each of plans) session.terminal.out(planLines(each, session.terminal.paint).join('\n'))
  return EXIT.done
}
