import { KeyturnError } from '../../kit/index.ts'
import { answer, decline, taskOf, tasks } from '../../operations/tasks.ts'
import { taskLines, taskListLines } from '../../views/task.ts'
import { EXIT, exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'
import { fieldsFrom, type ValueOptions } from '../value.ts'

interface Options extends CommonOptions, ValueOptions {
  readonly wait?: boolean
  readonly reason?: string
}

/** `keyturn task list|show|answer|decline`: what people are asked, and what they say to it. */
export async function run({ runtime, terminal }: Session, [verb = 'list', rotation]: readonly string[], options: Options): Promise<number> {
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
  if (verb === 'show') {
    if (json) terminal.out(JSON.stringify(task))
    else for (const line of taskLines(task, Date.now(), terminal.paint)) terminal.out(line)
    return EXIT.done
  }
  const watcher = { ...progressTo(terminal, json), wait: options.wait === true }
  if (verb === 'decline' && (options.reason ?? '').trim() === '') throw new KeyturnError('USAGE', '`task decline` needs --reason', { hint: 'Say why; the journal keeps it.' })
  const outcome = verb === 'decline'
    ? await decline(runtime, manifest, task.rotation, options.reason ?? '', watcher)
    : await answer(runtime, manifest, task.rotation, await fieldsFrom(task.asksFor, options, (secret) => terminal.conceal(secret)), watcher)
  tellOutcome(terminal, outcome, json)
  return exitOfRun(outcome)
}
