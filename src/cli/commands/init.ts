import { existsSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { registry } from '../../connectors.gen.ts'
import { KeyturnError, reduceCause } from '../../kit/index.ts'
import type { Environment } from '../../manifest/model.ts'
import { writeDraft } from '../../scan/draft.ts'
import { problemsOf, unsetOf } from '../../scan/problems.ts'
import { type Draft, propose } from '../../scan/propose.ts'
import { scanRepository } from '../../scan/repository.ts'
import { initDocument, type Initiated, initLines } from '../../views/init.ts'
import { parseManifest } from '../../yaml/load.ts'
import { EXIT } from '../exit.ts'
import type { Session } from '../session.ts'

interface Options {
  readonly out?: string
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly environment?: string
  readonly json?: boolean
}

const ENVIRONMENTS: readonly Environment[] = ['development', 'staging', 'production']
/** Either would be found by the other commands: a second one beside it would hide it or be hidden. */
const NAMES = ['keyturn.yaml', 'keyturn.yml']

/**
 * `keyturn init [folder]`: looks through a repository and writes a manifest that validates, with what is certain; exits with 6
 * and writes nothing when nothing is. No value is written or printed.
 */
export async function run({ terminal }: Session, [folder]: readonly string[], options: Options): Promise<number> {
  const root = folderOf(folder ?? '.')
  const wanted = environmentOf(options.environment)
  const file = options.out === undefined ? join(root, 'keyturn.yaml') : resolve(options.out)
  const dryRun = options.dryRun === true
  if (!dryRun && options.force !== true) refuseExisting(options.out === undefined ? NAMES.map((name) => join(root, name)) : [file])
  const findings = await scanRepository(root)
  const draft = propose(findings, basename(root) || 'system', wanted)
  const text = writeDraft(draft, { from: pathsFrom(root, dirname(file)), issuers: issuers() })
  if (draft.decided.length > 0) await selfCheck(text, file)
  const written = !dryRun && draft.decided.length > 0
  if (written) write(file, text, options.force === true)
  const shown = relative(process.cwd(), file)
  const found: Initiated = {
    file: shown.startsWith('..') ? file : shown, written, draft,
    mend: problemsOf(findings), unset: unsetOf(findings), unread: findings.unread,
    ...(dryRun ? { manifest: text } : {}),
  }
  if (options.json === true) terminal.out(JSON.stringify(initDocument(found), null, 2))
  else if (dryRun) {
    terminal.out(text.trimEnd())
    terminal.err(initLines(found, terminal.paint).join('\n'))
  } else terminal.out(initLines(found, terminal.paint).join('\n'))
  return exitOf(draft)
}

function exitOf({ decided }: Draft): number {
  return decided.length === 0 ? EXIT.person : EXIT.done
}

function folderOf(folder: string): string {
  const root = resolve(folder)
  if (existsSync(root) && statSync(root).isDirectory()) return root
  throw new KeyturnError('USAGE', `${folder} is no folder`, { hint: 'Name the folder of the repository, or leave it out for this one.' })
}

function environmentOf(name: string | undefined): Environment | undefined {
  const known = ENVIRONMENTS.find((each) => each === name)
  if (name === undefined || known !== undefined) return known
  throw new KeyturnError('USAGE', '--environment takes one of three words', { hint: `Write ${ENVIRONMENTS.join(', ')}.` })
}

function refuseExisting(files: readonly string[]): void {
  const there = files.find((file) => existsSync(file))
  if (there !== undefined) throw new KeyturnError('MANIFEST_EXISTS', there)
}

/** Paths of a manifest start at its own folder, with `/` on every system. */
function pathsFrom(root: string, folder: string): (path: string) => string {
  return (path) => relative(folder, join(root, path)).split(sep).join('/') || '.'
}

function issuers(): readonly string[] {
  return Object.values(registry).flatMap(({ manifest }) => ('issuer' in manifest.families ? [manifest.id] : []))
}

/** What is written has to be valid; if it is not, that is a fault of keyturn and not of the reader. */
async function selfCheck(text: string, file: string): Promise<void> {
  try {
    await parseManifest(text, file, { registry })
  } catch (thrown) {
    const about = thrown instanceof KeyturnError ? thrown.about : ''
    throw new KeyturnError('INTERNAL', `init made a manifest that is not valid: ${about}`, { cause: thrown })
  }
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' })
  } catch (thrown) {
    const { code } = reduceCause(thrown)
    if (code === 'EEXIST') throw new KeyturnError('MANIFEST_EXISTS', file)
    throw new KeyturnError('USAGE', `${file} cannot be written`, { hint: `See that the folder exists and may be written (${code ?? 'error'}).`, cause: thrown })
  }
}
