import type { Task, TaskReceiver } from '../operations/tasks.ts'
import { duration, moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** The tasks at hand for people. */
export function taskListLines(tasks: readonly Task[], now: number, paint: Paint): string[] {
  if (tasks.length === 0) return ['Nothing is asked of anybody.']
  return tasks.flatMap((task) => [`${paint.strong(task.rotation)}  ${task.kind}  ${task.title}`, `  ${paint.dim(whoAndWhen(task, now))}`])
}

/** One task with its steps, and how to answer it. */
export function taskLines(task: Task, now: number, paint: Paint): string[] {
  const fields = task.asksFor.map(({ name }) => name).join(', ')
  const answers = {
    mint: `Answer with ${fields}: \`keyturn task answer ${task.rotation}\` asks for it without showing it; or --file FILE, or --stdin.`,
    end: `When it is ended: \`keyturn task answer ${task.rotation}\`; that it is dead is proven then.`,
    confirm: `When it is so: \`keyturn task answer ${task.rotation}\`; your word stands in the journal for the proof.`,
    prepare: `When it is done: \`keyturn task answer ${task.rotation}\`; the step is attempted again.`,
  }
  const answer = task.receivers === undefined ? answers[task.kind] : `For each: \`keyturn task show ${task.rotation} --hand-over NAME\`, then \`keyturn task answer ${task.rotation} --receiver NAME\`.`
  return [
    paint.strong(task.title),
    ...task.steps.map((step, index) => `  ${index + 1}. ${step}`),
    paint.dim(whoAndWhen(task, now)),
    ...(task.receivers ?? []).map((receiver) => `  ${receiverLine(receiver)}`),
    answer,
    `If it cannot be done: \`keyturn task decline ${task.rotation} --reason TEXT\`.`,
  ]
}

/** What became of the value at one receiver, in words. */
export function receiverLine({ name, handed, acknowledged }: TaskReceiver): string {
  if (acknowledged !== undefined) return `${name}: taken, says ${acknowledged.by}, ${moment(acknowledged.at)}`
  return handed === undefined ? `${name}: not handed over` : `${name}: handed over by ${handed.by}, ${moment(handed.at)}; not taken yet`
}

function whoAndWhen({ owner, secret, askedAt, dueAt }: Task, now: number): string {
  const due = dueAt <= now ? `overdue for ${duration(now - dueAt)}` : `due ${moment(dueAt)}`
  return `${secret}${owner === undefined ? '' : `, for ${owner}`}; asked ${moment(askedAt)}, ${due}`
}
