import { beginEmergency } from '../../src/emergency/begin.ts'
import { prepareEmergency } from '../../src/emergency/prepare.ts'
import type { Stopped } from '../../src/engine/drive.ts'
import { nameOf } from '../../src/journal/name.ts'
import { newIdOf } from '../../src/journal/steps.ts'
import { answerTask } from '../../src/operations/answer.ts'
import { request } from '../../src/operations/request.ts'
import type { Emergency } from '../../src/plan/plan.ts'
import { SECRET, type Stage } from '../strategies/stage.ts'

/** Begins an emergency of the stage's secret; the stage is about it from then on. */
export async function declare(stage: Stage, order: Emergency['order'] = 'forget-first'): Promise<string> {
  const { engine, manifest } = stage
  const prepared = await prepareEmergency(engine, manifest, SECRET, order)
  const id = await beginEmergency(engine, prepared, { order, incident: 'incident-1', decidedAt: engine.now(), reason: 'a test' })
  stage.turnTo(id)
  return id
}

/** So often somebody may have to help. */
const HELPS = 8

/** To the end, with somebody who does what is asked and resumes what stands still. */
export async function toTheEnd(stage: Stage): Promise<Stopped> {
  let stopped = await stage.on()
  for (let helps = 0; helps < HELPS && stopped.is === 'person'; helps += 1) {
    await help(stage)
    stopped = await stage.on()
  }
  return stopped
}

async function help(stage: Stage): Promise<void> {
  const progress = await stage.progress()
  if (progress.asked === undefined) return request(stage.engine, stage.rotation(), 'resume')
  const fresh = newIdOf(progress)
  for (const { id } of stage.server.keys.of('atlas')) if (nameOf(id) !== fresh) stage.server.keys.remove('atlas', id)
  return answerTask(stage.engine, stage.rotation())
}

/** Every value that the provider has ever taken from now on; what is made without a request is told by hand. */
export function watchValues(stage: Stage): { readonly all: () => readonly string[]; see(): void } {
  const seen = new Set<string>()
  const see = (): void => {
    for (const { value } of stage.server.keys.of('atlas')) seen.add(value)
  }
  see()
  return { all: () => [...seen], see }
}
