import { byHand, registry } from '../../connectors.gen.ts'
import { KeyturnError } from '../../kit/index.ts'
import { plan } from '../../operations/rotate.ts'
import { handsOf } from '../../runbook/hands.ts'
import { makeRunbook } from '../../runbook/make.ts'
import { runbookText } from '../../runbook/markdown.ts'
import type { Runbook } from '../../runbook/runbook.ts'
import { EXIT } from '../exit.ts'
import { writeOut } from '../out.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly out?: string
}

/** `keyturn runbook [secret]`: how a person does it. Nothing is looked at but the manifest, and nothing is changed. */
export async function run({ runtime, terminal }: Session, [name]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  const names = name === undefined ? Object.keys(manifest.secrets).filter((each) => manifest.secrets[each]?.lifecycle === 'active') : [name]
  const runbooks: Runbook[] = []
  for (const each of names) {
    const made = await plan(runtime, manifest, each, { offline: true })
    const secret = manifest.secrets[each]
    if (secret === undefined) throw new KeyturnError('INTERNAL', `a plan of ${each}, which is not in the manifest`)
    runbooks.push(makeRunbook({ manifest, secret, plan: made, hands: await handsOf(manifest, secret, byHand), registry }))
  }
  const text = runbooks.map(runbookText).join('\n\n')
  if (options.out !== undefined) writeOut(options.out, text)
  if (options.json === true) terminal.out(JSON.stringify(name === undefined ? { runbooks } : { runbook: runbooks[0] }, null, 2))
  else if (options.out === undefined) terminal.out(text.trimEnd())
  return EXIT.done
}
