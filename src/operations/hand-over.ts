import type { Engine } from '../engine/engine.ts'
import { inJournal } from '../engine/in-journal.ts'
import { findRotation } from '../state/rotation.ts'
import { stepOf } from '../journal/steps.ts'
import { type Fields, KeyturnError, Secret } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { isDual } from '../plan/steps.ts'
import type { Runtime } from '../runtime.ts'
import { secretFields, Values } from '../steps/values.ts'
import { withEngine } from './follow.ts'

/** Where a value goes on its way to a receiver. */
export type Channel = 'terminal' | 'file' | 'command'

/** What is handed over, and to whom. */
export interface HandOver {
  readonly rotation: string
  readonly receiver: string
  /** One field as it is, several as a JSON object. */
  readonly value: Secret
}

export interface HandOverOptions {
  readonly to: Channel
  /** It was taken out for this receiver before, and did not get there. */
  readonly again?: boolean
}

/**
 * Takes the value of the task at hand out for one outside receiver. That it left, for whom, by whom and how, is in the journal before
 * it is answered here; what becomes of it then is the caller's. Throws NOT_NOW where nothing is handed over, TASK_UNFIT for a receiver
 * that is not asked for or, without `again`, was handed it before; LOCKED while another run holds the rotation.
 */
export function handOver(runtime: Runtime, manifest: Manifest, rotation: string, receiver: string, options: HandOverOptions): Promise<HandOver> {
  return withEngine(runtime, manifest, {}, async (engine) => {
    const { id } = await findRotation(engine.state.db, rotation, manifest)
    return takeOut(engine, id, receiver, options)
  })
}

/** The same on an open engine. */
export async function takeOut(engine: Engine, rotation: string, receiver: string, { to, again = false }: HandOverOptions): Promise<HandOver> {
  let value: Secret | undefined
  await inJournal(engine, rotation, async (recorder) => {
    const { progress } = recorder
    const { asked, plan } = progress
    if (asked?.task.receivers === undefined) throw new KeyturnError('NOT_NOW', `${rotation} has nothing to hand over now`)
    const known = progress.receivers.get(asked.step)?.get(receiver)
    if (known?.acknowledged === undefined && !asked.task.receivers.includes(receiver)) throw noSuchReceiver(receiver, asked.task.receivers)
    if (known?.handed !== undefined && !again) {
      throw new KeyturnError('TASK_UNFIT', `it was taken out for ${receiver} before, by ${known.handed.by} at ${new Date(known.handed.at).toISOString()}`, { hint: 'If it did not get there, take it out once more with --again; the journal keeps both.' })
    }
    const step = stepOf(plan, asked.step)
    const values = await Values.open(engine, rotation, plan, engine.host(plan.base))
    // Of two keys a receiver has the old one already: before it is presented it has to accept the new one.
    const which = step.do === 'reload' ? (isDual(plan) && step.beside !== undefined ? 'new' : step.which) : undefined
    const credential = which === undefined ? undefined : values[which]
    if (credential === undefined) throw new KeyturnError('INTERNAL', 'the credential of the step is not known')
    value = textOf(credential.fields, asked.task.fields ?? secretFields(plan.traits.fields))
    engine.host(plan.base).conceal(value)
    await recorder.write({ type: 'value-handed', step: asked.step, attempt: asked.attempt, receiver, by: engine.by, to })
  })
  if (value === undefined) throw new KeyturnError('INTERNAL', 'nothing was taken out')
  return { rotation, receiver, value }
}

/** For a name that is not among those that are asked for. */
export function noSuchReceiver(name: string, open: readonly string[]): KeyturnError {
  return new KeyturnError('TASK_UNFIT', `nothing is asked of a receiver ${name}`, { hint: `Name one of those that are still to answer: ${open.join(', ')}.` })
}

function textOf(fields: Fields, names: readonly string[]): Secret {
  const revealed = names.map((name) => {
    const value = fields[name]
    if (value === undefined) throw new KeyturnError('TASK_UNFIT', `the credential has no field ${name}`, { hint: 'Mend `fields` of the receivers in the manifest.' })
    return [name, value.reveal()] as const
  })
  const [only] = revealed
  return new Secret(revealed.length === 1 && only !== undefined ? only[1] : JSON.stringify(Object.fromEntries(revealed)))
}
