import { answerTask } from '../../src/operations/answer.ts'
import { request } from '../../src/operations/request.ts'
import { endingBegun, newIdOf } from '../../src/journal/steps.ts'
import type { Stopped } from '../../src/engine/drive.ts'
import type { ReferenceOperation } from '../../src/testing/index.ts'
import type { Step } from '../../src/plan/step.ts'
import { type Cell, turningPoint } from './cell.ts'
import { proveEnd } from './proof.ts'
import type { Stage } from './stage.ts'

/** So often somebody may have to help. */
const HELPS = 8

/** Plays one cell on a stage, from the opening of a rotation to the proof of how the world is after it; `open` opens it. */
export async function playCell(stage: Stage, cell: Cell, open: () => Promise<unknown> = () => stage.open({ acceptImpact: true })): Promise<void> {
  const { step, fault } = cell
  const old = stage.stored()
  await open()
  if (cell.lost) stage.server.arm('answer-lost', { on: 'mint' })
  if (cell.way === 'back') {
    const { plan } = await stage.progress()
    await dieAt(stage, turningPoint(plan), 'before-intent')
    await turn(stage)
  }
  switch (fault.is) {
    case 'kill':
      await dieAt(stage, step, fault.point)
      if (fault.next === 'turn') await turn(stage)
      break
    case 'lose':
    case 'refuse':
      stage.rehearse(step.id, fault.is)
      break
    case 'late':
      await dieAt(stage, step, 'before-intent')
      stage.server.arm('slow', { on: operationOf(step, stage) })
  }
  const stopped = await finish(stage)
  if (stopped.is !== 'closed') throw new Error(`it does not end: ${JSON.stringify(stopped)}`)
  await proveEnd(stage, { result: cell.result, old })
  stage.forgetLeft()
}

async function turn(stage: Stage): Promise<void> {
  await stage.turn(endingBegun(await stage.progress()) ? 'undo' : 'abort')
}

/** Drives to the point, with somebody who does the tasks on the way. */
async function dieAt(stage: Stage, step: Step, point: Parameters<Stage['dieAt']>[1]): Promise<void> {
  for (let helps = 0; helps < HELPS; helps += 1) {
    if (await stage.diesAt(step.id, point)) return
    await help(stage)
  }
  throw new Error(`never came to ${step.id}/${point}`)
}

/** Drives to the end, with somebody who does the tasks and resumes what was refused. */
async function finish(stage: Stage): Promise<Stopped> {
  let stopped = await stage.on()
  for (let helps = 0; helps < HELPS && stopped.is === 'person'; helps += 1) {
    await help(stage)
    stopped = await stage.on()
  }
  return stopped
}

/** Does the task at hand: ends by hand what a lost request made. Without a task, what was wrong is right again. */
async function help(stage: Stage): Promise<void> {
  const progress = await stage.progress()
  if (progress.asked === undefined) return request(stage.engine, stage.rotation(), 'resume')
  const known = [newIdOf(progress), progress.plan.current?.id]
  for (const { id } of stage.server.keys.of('atlas')) if (!known.includes(id)) stage.server.keys.remove('atlas', id)
  return answerTask(stage.engine, stage.rotation())
}

function operationOf(step: Step, { server }: Stage): ReferenceOperation {
  if (step.do === 'set') return step.to
  return server.traits.mint === 'triggers' ? 'rotate' : 'mint'
}
