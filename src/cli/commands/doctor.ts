import { examine } from '../../doctor/examine.ts'
import { packageVersion, placeFor, plannerFor, sleep } from '../../runtime.ts'
import { identityPath } from '../../sealing/identity.ts'
import { doctorDocument, doctorLines } from '../../views/doctor.ts'
import { EXIT } from '../exit.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

/** `keyturn doctor [SECRET]`: looks at everything and changes nothing. Exits with 3 when a rotation would be refused, or could not end. */
export async function run({ runtime, terminal }: Session, [only]: readonly string[], options: CommonOptions): Promise<number> {
  const manifest = await manifestOf(options)
  const findings = await examine({
    planner: { ...plannerFor(runtime), sleep },
    manifest,
    place: () => placeFor(runtime, manifest),
    identityFile: identityPath(runtime.env),
    version: packageVersion(),
    node: process.versions.node,
    interrupt: runtime.interrupt,
    ...(only === undefined ? {} : { only }),
  })
  const document = doctorDocument(findings)
  if (options.json === true) terminal.out(JSON.stringify(document, null, 2))
  else for (const line of doctorLines(document, terminal.paint)) terminal.out(line)
  return document.problems > 0 ? EXIT.refused : EXIT.done
}
