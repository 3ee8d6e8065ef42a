import { Redactor } from '../../redact/redact.ts'
import { plannerFor } from '../../runtime.ts'
import { environmentFor, mappingOf } from '../environment.ts'
import { runInForeground } from '../foreground.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly only?: string
  readonly as?: readonly string[]
  readonly mask?: boolean
}

/** How long reading the stores may take. */
const READ_MS = 30_000

/**
 * `keyturn exec -- COMMAND`: the command with the values of the stores in its environment, beside what is in ours. Its exit code is
 * ours; what keyturn refuses before the command is started has keyturn's own.
 */
export async function run({ terminal, runtime }: Session, argv: readonly string[], options: Options): Promise<number> {
  const as = (options.as ?? []).map(mappingOf)
  const only = options.only?.split(',').map((name) => name.trim()).filter((name) => name !== '')
  const manifest = await manifestOf(options)
  const call = { signal: AbortSignal.timeout(READ_MS), deadline: Date.now() + READ_MS, fence: 0 }
  const handed = await environmentFor(plannerFor(runtime), manifest, { as, ...(only === undefined ? {} : { only }) }, call)
  const mask = new Redactor()
  for (const value of handed.concealed) {
    runtime.conceal(value)
    mask.conceal(value)
  }
  for (const notice of handed.notices) terminal.err(terminal.paint.warn(notice))
  return runInForeground({ argv, from: runtime.env, variables: handed.variables, ...(options.mask === true ? { mask } : {}) })
}
