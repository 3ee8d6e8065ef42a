import { readEvents } from '../../engine/recorder.ts'
import { foldProgress } from '../../engine/progress.ts'
import { request } from '../../engine/request.ts'
import { keysOf } from '../../engine/rotate.ts'
import type { Manifest } from '../../manifest/model.ts'
import type { Engine } from '../../engine/engine.ts'
import { findRotation, listRotations } from '../../state/rotation.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { follow } from '../follow.ts'
import { progressPrinter, tellRun } from '../report.ts'
import { type CommonOptions, engineFor, manifestOf, plannerOf, type Session, stateFor } from '../session.ts'

interface Options extends CommonOptions {
  readonly wait?: boolean
}

/** `keyturn resume [rotation]`: goes on with what is open, a person having looked at what was paused. */
export async function run(session: Session, [id]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const state = await stateFor(session, manifest)
  try {
    const engine = engineFor(session, state, progressPrinter(session.terminal, options.json === true))
    const named = id === undefined ? (await listRotations(state.db, { open: true })).map((row) => row.id).toReversed() : [(await findRotation(state.db, id)).id]
    if (named.length === 0 && options.json !== true) session.terminal.out('Nothing is open.')
    let worst: number = EXIT.done
    for (const rotation of named) worst = Math.max(worst, await resumeOne(session, engine, manifest, rotation, options))
    return worst
  } finally {
    await state.close()
  }
}

async function resumeOne(session: Session, engine: Engine, manifest: Manifest, rotation: string, options: Options): Promise<number> {
  const progress = foldProgress((await readEvents(engine, rotation)).events)
  if (progress.closed === undefined && (progress.paused !== undefined || progress.held !== undefined)) await request(engine, rotation, 'resume')
  return goOn(session, engine, manifest, rotation, options)
}

/** Drives a rotation on and says where it stopped. */
export async function goOn(session: Session, engine: Engine, manifest: Manifest, rotation: string, options: Options): Promise<number> {
  const row = await findRotation(engine.state.db, rotation)
  const manifestKeys = await keysOf(plannerOf(session), manifest, row.secret)
  const stopped = await follow(engine, rotation, session.terminal, { wait: options.wait === true, ...(manifestKeys === undefined ? {} : { manifestKeys }) })
  await tellRun(session.terminal, engine, rotation, stopped, options.json === true)
  return exitOfRun(stopped)
}
