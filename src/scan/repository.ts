import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { basename } from 'node:path/posix'
import { canonical, type GitState, gitStates } from '../outside/file/index.ts'
import { isCode, scanCode } from './code.ts'
import { isComposeFile, scanCompose } from './compose.ts'
import { describeEnvFile, isEnvFile, scanEnvFile } from './env-files.ts'
import type { Findings, Page } from './findings.ts'
import { mayBeKubernetes, scanKubernetes } from './kubernetes.ts'
import { isInside } from './paths.ts'
import { bySeen } from './seen.ts'
import { createTracer, type Tracer } from './trace.ts'
import { type AskGit, readText, walk } from './walk.ts'

const GIT_TIME = 30_000

export interface ScanOptions {
  /** git itself when absent. */
  readonly git?: AskGit
  /** For the marks of values: 32 random bytes of the operating system when absent. */
  readonly chance?: Uint8Array
}

/**
 * Looks through a folder for secrets: where keys are kept, and who reads them. Values are looked at one by one and let go of;
 * nothing of them is in the answer but their form. Changes nothing. Does not throw for what is in the folder: what cannot be
 * read is under `unread`.
 */
export async function scanRepository(root: string, options: ScanOptions = {}): Promise<Findings> {
  const ask = options.git ?? askGit
  const trace = createTracer(options.chance ?? randomBytes(32))
  const { files, unread } = await walk(root, ask)
  const pages: Page[] = [{ unread }]
  // Copies: a piece that was cut out of a text keeps all of that text in memory, with the values in it.
  const add = (page: Page): void => { pages.push(structuredClone(page)) }
  for (const file of files) add(await scanFile(root, file, trace))
  const known = new Set(files.filter(isEnvFile))
  const beside = pages.flatMap(({ envFiles = [] }) => envFiles).filter(({ file }, index, all) => !known.has(file) && all.findIndex((each) => each.file === file) === index)
  for (const { file } of beside) add(await scanNamedEnvFile(root, file, trace))
  for (const secret of pages.flatMap(({ secretFiles = [] }) => secretFiles)) add(await scanSecretFile(root, secret, trace))
  const sightings = once(pages.flatMap((page) => page.sightings ?? []), ({ key, seen }) => `${key} ${seen.file} ${seen.line}`)
  const system = pages.map((page) => page.system).find((name) => name !== undefined)
  return {
    envFiles: [...known, ...beside.map(({ file }) => file).filter((file) => isInside(file) && existsSync(join(root, file)))].map(describeEnvFile),
    sightings: withoutTwins(root, sightings),
    composeFiles: files.filter(isComposeFile),
    services: pages.flatMap(({ services = [] }) => services),
    mounts: pages.flatMap(({ mounts = [] }) => mounts),
    generated: pages.flatMap(({ generated = [] }) => generated),
    reads: pages.flatMap(({ reads = [] }) => reads),
    logins: pages.flatMap(({ logins = [] }) => logins),
    unread: pages.flatMap((page) => page.unread ?? []),
    ...(system === undefined ? {} : { system }),
    git: await statesOf(root, [...new Set(sightings.map(({ seen }) => seen.file))], ask),
  }
}

async function scanFile(root: string, file: string, trace: Tracer): Promise<Page> {
  const wanted = isEnvFile(file) || isComposeFile(file) || isCode(file) || /\.ya?ml$|^Kustomization$/i.test(basename(file))
  if (!wanted) return {}
  const read = await readText(root, file)
  // Of code and of other YAML a big file is data; of the files that are surely meant, one that is left out is told.
  if ('why' in read) return isEnvFile(file) || isComposeFile(file) ? { unread: [{ file, why: read.why }] } : {}
  if (isEnvFile(file)) return scanEnvFile(file, read.text, trace)
  if (isCode(file)) return scanCode(file, read.text)
  if (isComposeFile(file)) return scanCompose(file, read.text, trace)
  return mayBeKubernetes(file, read.text) ? scanKubernetes(file, read.text, trace) : {}
}

/** An env file by another name, which a compose file or a kustomization names. */
async function scanNamedEnvFile(root: string, file: string, trace: Tracer): Promise<Page> {
  const read = isInside(file) ? await readText(root, file) : { why: 'outside of this folder' }
  return 'why' in read ? { unread: [{ file, why: read.why }] } : scanEnvFile(file, read.text, trace)
}

async function scanSecretFile(root: string, { key, file }: NonNullable<Page['secretFiles']>[number], trace: Tracer): Promise<Page> {
  const read = isInside(file) ? await readText(root, file) : { why: 'outside of this folder' }
  if ('why' in read) return { unread: [{ file, why: read.why }] }
  return { sightings: [{ key, seen: { file, line: 1 }, holder: { is: 'secret-file' }, trace: trace(key, read.text.replace(/\r?\n$/, '')) }] }
}

/** One file under two names (a link) is one file: the name that comes first counts. */
function withoutTwins(root: string, sightings: Findings['sightings']): Findings['sightings'] {
  return once([...sightings].sort(bySeen), ({ key, seen, holder }) => `${key} ${canonical(join(root, seen.file))} ${seen.line} ${JSON.stringify(holder)}`)
}

/** The list with the first of each name. */
function once<T>(list: readonly T[], nameOf: (item: T) => string): readonly T[] {
  const named = new Map(list.toReversed().map((item) => [nameOf(item), item]))
  return [...named.values()].toReversed()
}

async function statesOf(root: string, files: readonly string[], ask: AskGit): Promise<ReadonlyMap<string, GitState>> {
  // The manifest's own check asks about real paths, so this one does.
  const real = new Map(files.map((file) => [file, canonical(join(root, file))]))
  const states = files.length === 0 ? new Map<string, GitState>() : await ask([...new Set(real.values())])
  return new Map(files.map((file) => [file, states.get(real.get(file) ?? '') ?? 'unknown']))
}

function askGit(paths: readonly string[]): Promise<ReadonlyMap<string, GitState>> {
  return gitStates(paths, { signal: AbortSignal.timeout(GIT_TIME), deadline: Date.now() + GIT_TIME })
}
