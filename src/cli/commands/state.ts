import { checkState } from '../../copying/check.ts'
import { copyState } from '../../copying/copy.ts'
import { ownerIsDead } from '../../engine/owner.ts'
import { KeyturnError } from '../../kit/index.ts'
import { verifyState } from '../../proof/audit.ts'
import { knownIdentity, readingState, placeFor, placeNamed, plannerFor } from '../../runtime.ts'
import type { StatePlace } from '../../state/place.ts'
import { openSealers } from '../../steps/values.ts'
import { checkLines, copyLines } from '../../views/state.ts'
import { literalSecret } from '../../yaml/literal.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly from?: string
  readonly to?: string
}

/** `keyturn state copy|check`. */
export async function run(session: Session, [what]: readonly string[], options: Options): Promise<number> {
  if (what === 'copy') return copy(session, options)
  if (what === 'check') return check(session, options)
  throw new KeyturnError('USAGE', `state has no ${what}`, { hint: 'Write `keyturn state copy` or `keyturn state check`.' })
}

async function copy({ terminal, runtime }: Session, options: Options): Promise<number> {
  const { from, to } = options
  if (from === undefined && to === undefined) throw new KeyturnError('USAGE', '`state copy` needs --to or --from', { hint: 'The other one is what the manifest has under `state`.' })
  const manifest = await manifestOf(options)
  const place = async (named: string | undefined): Promise<StatePlace> => {
    if (named === undefined) return placeFor(runtime, manifest)
    // Arguments are seen by everybody on the machine.
    if (literalSecret(named) !== undefined) throw new KeyturnError('USAGE', 'a URL with its password stands in the command line', { hint: "Name a reference in its place, in quotes: '${env:KEYTURN_STATE_URL}'." })
    return placeNamed(runtime, named, manifest.base)
  }
  const copied = await copyState(await place(from), await place(to), ownerIsDead)
  if (options.json === true) terminal.out(JSON.stringify(copied, null, 2))
  else for (const line of copyLines(copied, to !== undefined, terminal.paint)) terminal.out(line)
  return EXIT.done
}

/** Works without the identity, and on a state that was moved; with it, what is sealed is opened to see whether it can be. */
async function check({ terminal, runtime }: Session, options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  return readingState(runtime, manifest, async (state) => {
    const identity = await knownIdentity(runtime)
    const { registry, host } = plannerFor(runtime)
    const sealers = identity === undefined || identity.publicKey !== state.publicKey ? [] : await openSealers(identity, manifest.sealing, registry, host(manifest.base))
    const { readable, opened, problems, notices } = await checkState(state, ...sealers)
    const audit = readable ? await verifyState(state) : { rotations: 0, entries: 0, problems: [] }
    const report = { state: state.name, rotations: audit.rotations, entries: audit.entries, opened, problems: [...problems, ...audit.problems], notices }
    if (options.json === true) terminal.out(JSON.stringify(report, null, 2))
    else for (const line of checkLines(report, terminal.paint)) terminal.out(line)
    return report.problems.length === 0 ? EXIT.done : EXIT.error
  })
}
