import { type Fields, KeyturnError } from '../../kit/index.ts'
import { handOver } from '../../operations/hand-over.ts'
import { answer, decline, type Task, taskOf, tasks } from '../../operations/tasks.ts'
import { taskLines, taskListLines } from '../../views/task.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { openWay } from '../reveal.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { fieldsFrom, type ValueOptions } from '../value.ts'

interface Options extends CommonOptions, ValueOptions {
  readonly wait?: boolean
  readonly reason?: string
  readonly handOver?: string
  readonly again?: boolean
  readonly leave?: boolean
  readonly receiver?: readonly string[]
}

/** So often somebody at a terminal may try. */
const TRIES = 3

/** `keyturn task list|show|answer|decline`: what people are asked, and what they say to it. */
export async function run({ runtime, terminal }: Session, [verb = 'list', rotation, ...command]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const json = options.json === true
  if (verb === 'list') {
    const all = await tasks(runtime, manifest)
    if (json) terminal.out(JSON.stringify(all))
    else for (const line of taskListLines(all, Date.now(), terminal.paint)) terminal.out(line)
    return EXIT.done
  }
  if (!['show', 'answer', 'decline'].includes(verb)) throw new KeyturnError('USAGE', `there is no \`task ${verb}\``, { hint: 'Write `task list`, `task show`, `task answer` or `task decline`.' })
  if (rotation === undefined) throw new KeyturnError('USAGE', `\`task ${verb}\` needs the rotation`, { hint: 'See `keyturn task list`.' })
  const task = await taskOf(runtime, manifest, rotation)
  const { handOver: receiver } = options
  if (receiver === undefined && (command.length > 0 || options.again === true)) throw new KeyturnError('USAGE', 'a command and --again belong to --hand-over', { hint: 'Write `task show ROTATION --hand-over RECEIVER -- COMMAND`.' })
  if (receiver !== undefined) {
    if (verb !== 'show') throw new KeyturnError('USAGE', '--hand-over belongs to `task show`', { hint: 'Write `task show ROTATION --hand-over RECEIVER`.' })
    const way = openWay({ command, ...(options.file === undefined ? {} : { file: options.file }) }, runtime.env)
    const { value } = await handOver(runtime, manifest, task.rotation, receiver, { to: way.to, again: options.again === true }).catch((thrown: unknown) => {
      way.close()
      throw thrown
    })
    const said = await way.deliver(value, `For ${receiver}, of ${task.rotation}: nobody else may see it.`)
    if (json) terminal.out(JSON.stringify({ rotation: task.rotation, receiver, to: way.to }))
    else terminal.out(`${said} When it is in use there: keyturn task answer ${task.rotation} --receiver ${receiver}`)
    return EXIT.done
  }
  if (verb === 'show') {
    if (json) terminal.out(JSON.stringify(task))
    else for (const line of taskLines(task, Date.now(), terminal.paint)) terminal.out(line)
    return EXIT.done
  }
  const watcher = { ...progressTo(terminal, json), wait: options.wait === true }
  if (verb === 'decline' && (options.reason ?? '').trim() === '') throw new KeyturnError('USAGE', '`task decline` needs --reason', { hint: 'Say why; the journal keeps it.' })
  const outcome = verb === 'decline'
    ? await decline(runtime, manifest, task.rotation, options.reason ?? '', watcher)
    : await answered(terminal, task, options, (fields) => answer(runtime, manifest, task.rotation, fields, { ...watcher, leave: options.leave === true, ...(options.receiver === undefined ? {} : { receivers: options.receiver }) }))
  tellOutcome(terminal, outcome, json)
  return exitOfRun(outcome)
}

/** Somebody who types is asked again when it cannot be the answer; a file or a pipe would say the same again. */
async function answered<T>(terminal: Terminal, task: Task, options: Options, give: (fields: Fields) => Promise<T>): Promise<T> {
  const typed = options.file === undefined && options.stdin !== true && task.asksFor.length > 0
  for (let left = TRIES; ; left -= 1) {
    const fields = await fieldsFrom(task.asksFor, options, (secret) => terminal.conceal(secret))
    try {
      return await give(fields)
    } catch (thrown) {
      if (!typed || left <= 1 || !(thrown instanceof KeyturnError) || thrown.code !== 'TASK_UNFIT') throw thrown
      terminal.err(`${terminal.paint.bad(thrown.code)} ${thrown.message}\n${thrown.hint}`)
    }
  }
}
