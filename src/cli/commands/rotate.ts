import { readFileSync } from 'node:fs'
import { keysOf, openRotation, openRotationOf, planSecret, worldDifference } from '../../engine/rotate.ts'
import { KeyturnError } from '../../kit/index.ts'
import type { Plan } from '../../plan/plan.ts'
import { exitOfRun } from '../exit.ts'
import { follow } from '../follow.ts'
import { progressPrinter, tellRun } from '../report.ts'
import { type CommonOptions, engineFor, manifestOf, plannerOf, type Session, stateFor } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
  readonly plan?: string
  readonly reason?: string
  readonly adopt?: boolean
}

/** `keyturn rotate SECRET`: opens a rotation and carries it to its first wait. */
export async function run(session: Session, words: readonly string[], options: Options): Promise<number> {
  const name = words[0] ?? ''
  const manifest = await manifestOf(options)
  const state = await stateFor(session, manifest)
  try {
    const engine = engineFor(session, state, progressPrinter(session.terminal, options.json === true))
    const open = await openRotationOf(engine, manifest, name)
    if (open !== undefined) throw new KeyturnError('ROTATION_OPEN', open)
    const identity = state.identity === undefined ? {} : { identity: state.identity }
    const plan = await planSecret(plannerOf(session), manifest, name, { look: true, ...identity })
    if (options.plan !== undefined) refuseMoved(options.plan, plan)
    const rotation = await openRotation(engine, plan, options.reason ?? 'on request', options.adopt === true)
    const manifestKeys = await keysOf(plannerOf(session), manifest, name)
    const stopped = await follow(engine, rotation, session.terminal, { wait: options.wait === true, ...(manifestKeys === undefined ? {} : { manifestKeys }) })
    await tellRun(session.terminal, engine, rotation, stopped, options.json === true)
    return exitOfRun(stopped)
  } finally {
    await state.close()
  }
}

/** Throws WORLD_MOVED when the plan in the file was made from another world than the one that is seen now. */
function refuseMoved(file: string, seen: Plan): void {
  let planned: Plan
  try {
    planned = JSON.parse(readFileSync(file, 'utf8')) as Plan
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} is no plan`, { hint: 'Make one with `keyturn plan SECRET --out FILE`.', cause: thrown })
  }
  if (planned.secret !== seen.secret || planned.preconditions === undefined) throw new KeyturnError('USAGE', `${file} is no plan of ${seen.secret}`)
  const differences = worldDifference(planned.preconditions, seen.preconditions)
  if (JSON.stringify(planned.steps) !== JSON.stringify(seen.steps)) differences.push('the steps are others')
  if (differences.length > 0) throw new KeyturnError('WORLD_MOVED', differences.join('; '))
}
