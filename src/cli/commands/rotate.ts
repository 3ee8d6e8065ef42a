import { readFileSync } from 'node:fs'
import { KeyturnError } from '../../kit/index.ts'
import { rotate } from '../../operations/rotate.ts'
import type { Plan } from '../../plan/plan.ts'
import { exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
  readonly plan?: string
  readonly reason?: string
  readonly adopt?: boolean
  readonly acceptImpact?: boolean
}

/** `keyturn rotate SECRET`: opens a rotation and carries it to its first wait. */
export async function run({ runtime, terminal }: Session, words: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  const outcome = await rotate(runtime, manifest, words[0] ?? '', {
    ...progressTo(terminal, json),
    wait: options.wait === true,
    adopt: options.adopt === true,
    acceptImpact: options.acceptImpact === true,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.plan === undefined ? {} : { plan: readPlan(options.plan) }),
  })
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
