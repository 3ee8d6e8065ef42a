import { KeyturnError } from '../../kit/index.ts'
import { secretFields } from '../../steps/values.ts'
import { plan, rotate } from '../../operations/rotate.ts'
import { isChosen } from '../../plan/steps.ts'
import { exitOfRun } from '../exit.ts'
import { progressTo, tellOutcome } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'
import { fieldsFrom, type ValueOptions } from '../value.ts'

interface Options extends CommonOptions, ValueOptions {
  readonly generate?: boolean
  readonly wait?: boolean
  readonly reason?: string
  readonly acceptImpact?: boolean
}

/** `keyturn set SECRET`: a rotation to a value that a person gives, with every proof of any other. */
export async function run({ runtime, terminal }: Session, [name = '']: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const { traits } = await plan(runtime, manifest, name, { offline: true })
  // Before it is asked for: what the provider makes cannot be chosen.
  if (!isChosen(traits)) throw new KeyturnError('VALUE_MADE', name)
  const asked = secretFields(traits.fields).map((field) => ({ name: field, hidden: true }))
  const value = options.generate === true ? undefined : await fieldsFrom(asked, options, (secret) => terminal.conceal(secret))
  const json = options.json === true
  const outcome = await rotate(runtime, manifest, name, {
    ...progressTo(terminal, json),
    wait: options.wait === true,
    acceptImpact: options.acceptImpact === true,
    reason: options.reason ?? (value === undefined ? 'set to a generated value' : 'set to a given value'),
    ...(value === undefined ? {} : { value }),
  })
  tellOutcome(terminal, outcome, json)
  return exitOfRun(outcome)
}
