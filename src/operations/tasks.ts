import { answerTask, declineTask } from './answer.ts'
import { type Fields, KeyturnError, type TaskRequest } from '../kit/index.ts'
import type { Receiver } from '../journal/receivers.ts'
import type { Manifest } from '../manifest/model.ts'
import { follow, type Outcome, type RunOptions, withEngine } from './follow.ts'
import { status } from './status.ts'
import { plainFields, secretFields } from '../steps/values.ts'
import type { Runtime } from '../runtime.ts'
import { findRotation } from '../state/rotation.ts'

/** What became of the value at one outside receiver. */
export interface TaskReceiver extends Receiver {
  readonly name: string
}

/** What a person is asked to do. */
export interface Task extends Omit<TaskRequest, 'receivers'> {
  /** Where a value is handed over to outside receivers: all of them, those that have acknowledged it too. */
  readonly receivers?: readonly TaskReceiver[]
  readonly rotation: string
  readonly secret: string
  /** Who answers for the secret; absent when the manifest names nobody. */
  readonly owner?: string
  readonly step: string
  /** Unix ms. */
  readonly askedAt: number
  /** By when it is to be done, unix ms; in the past: it is overdue, and people are told again and again. */
  readonly dueAt: number
  /** For a mint: the fields that are asked for, and which of them nobody may see. */
  readonly asksFor: readonly { readonly name: string; readonly hidden: boolean }[]
}

/** The tasks at hand, oldest first. Needs no identity. */
export async function tasks(runtime: Runtime, manifest: Manifest): Promise<Task[]> {
  const open = (await status(runtime, manifest)).filter((each) => 'progress' in each).filter(({ row }) => row.system === manifest.system && row.environment === manifest.environment)
  return open.flatMap(({ row, progress }) => {
    const { asked, plan } = progress
    if (asked === undefined) return []
    const { task } = asked
    const plain = plainFields(plan.traits.fields)
    const names = task.kind === 'mint' ? (task.fields ?? secretFields(plan.traits.fields)) : []
    const { receivers, ...request } = task
    const known = progress.receivers.get(asked.step)
    const all = [...new Set([...(known?.keys() ?? []), ...(receivers ?? [])])].map((name) => ({ name, ...known?.get(name) }))
    return [{
      ...request, ...(receivers === undefined ? {} : { receivers: all }), rotation: row.id, secret: row.secret, ...(plan.owner === undefined ? {} : { owner: plan.owner }), step: asked.step,
      askedAt: asked.at, dueAt: asked.dueAt, asksFor: names.map((name) => ({ name, hidden: !plain.has(name) })),
    }]
  }).toSorted((a, b) => a.askedAt - b.askedAt)
}

/** The task of one rotation, by its id, a prefix of it or its secret's name. Throws NOT_NOW when it asks nothing. */
export async function taskOf(runtime: Runtime, manifest: Manifest, rotation: string): Promise<Task> {
  const all = await tasks(runtime, manifest)
  const found = all.filter((task) => task.rotation === rotation || task.secret === rotation || task.rotation.startsWith(rotation))
  if (found.length === 1 && found[0] !== undefined) return found[0]
  throw new KeyturnError(found.length > 1 ? 'ROTATION_UNKNOWN' : 'NOT_NOW', found.length > 1 ? `${rotation} could be ${found.map((task) => task.rotation).join(', ')}` : `${rotation} asks nothing of anybody`, {
    hint: 'See `keyturn task list` for what is asked.',
  })
}

export interface AnswerOptions extends RunOptions {
  /** The outside receivers that have taken the value. */
  readonly receivers?: readonly string[]
  /** Only answers: whoever runs what is due goes on with it, from where the stores and consumers can be reached. */
  readonly leave?: boolean
}

/** Answers a task and, unless it is left to others, goes on with its rotation: see {@link answerTask}. */
export function answer(runtime: Runtime, manifest: Manifest, rotation: string, fields: Fields, options: AnswerOptions = {}): Promise<Outcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const { id } = await findRotation(engine.state.db, rotation, manifest)
    await answerTask(engine, id, fields, options.receivers)
    if (options.leave === true) return { rotation: id, is: 'interrupted' }
    return follow(engine, manifest, id, options)
  })
}

/** Declines a task, and goes on with its rotation: back where that is possible. */
export function decline(runtime: Runtime, manifest: Manifest, rotation: string, reason: string, options: RunOptions = {}): Promise<Outcome> {
  return withEngine(runtime, manifest, options, async (engine) => {
    const { id } = await findRotation(engine.state.db, rotation, manifest)
    await declineTask(engine, id, reason)
    return follow(engine, manifest, id, options)
  })
}
