import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { KeyturnError, type Problem, type Registry } from '../kit/index.ts'
import type { CheckSpec, Manifest, SecretSpec } from '../manifest/model.ts'
import { hasReference } from '../manifest/reference.ts'
import { isCron } from '../manifest/schedule.ts'
import { defaultsSchema, manifestSchema } from './schema.ts'
import { canonical, type GitState, gitStates, isExample, locate } from '../outside/file/index.ts'
import { closeBlock, openBlock, reportReferences } from './block.ts'
import { readCheck } from './check.ts'
import { readEntry } from './entry.ts'
import { typeOf, valueAt } from './explain.ts'
import { reportCircles } from './circle.ts'
import { literalSecret } from './literal.ts'
import { asList, asMap, beginReading, report, validate, type Reading } from './reading.ts'
import { readSchedule } from './schedule.ts'
import { readSource, type Path } from './source.ts'
import { readTelling } from './telling.ts'

const gitTime = 5_000

export interface LoadOptions {
  readonly registry: Registry
  /** Asked about the real paths of all stores that are files; git itself when absent. */
  readonly gitStates?: (paths: readonly string[]) => Promise<ReadonlyMap<string, GitState>>
}

/**
 * Reads and validates a manifest, then asks git about its stores. Changes nothing, resolves no reference; may be repeated.
 * Throws MANIFEST_MISSING when there is no such file, MANIFEST_INVALID with every problem in `problems`.
 */
export async function loadManifest(file: string, options: LoadOptions): Promise<Manifest> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new KeyturnError('MANIFEST_MISSING', file, { cause })
  })
  const { manifest, problems, files } = await read(text, file, options.registry)
  const unsafe = await askGit(manifest.base, files, options.gitStates ?? askInTime)
  return finish(manifest, [...problems, ...unsafe])
}

/** As {@link loadManifest}, for a text that is there already; git is not asked. Pure but for the working folder under `file`. */
export async function parseManifest(text: string, file: string, options: Pick<LoadOptions, 'registry'>): Promise<Manifest> {
  const { manifest, problems } = await read(text, file, options.registry)
  return finish(manifest, problems)
}

function finish(manifest: Manifest, problems: readonly Problem[]): Manifest {
  if (problems.length === 0) return manifest
  const sorted = problems.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
  const lines = sorted.map(({ place, what, write }) => `${place.file}:${place.line}:${place.column} ${what}; write ${write}`)
  throw new KeyturnError('MANIFEST_INVALID', lines.join('\n'), { problems: sorted })
}

interface Found {
  readonly manifest: Manifest
  readonly problems: readonly Problem[]
  readonly files: Reading['files']
}

/** The manifest as far as it is sound, and all that is wrong with the rest. */
async function read(text: string, file: string, registry: Registry): Promise<Found> {
  const base = dirname(resolve(file))
  const empty: Manifest = {
    file: resolve(file),
    base,
    system: '',
    environment: 'production',
    state: resolve(base, '.keyturn'),
    preflight: [],
    postflight: [],
    secrets: {},
  }
  const { source, problems } = await readSource(text, file)
  if (source === undefined) return { manifest: empty, problems, files: [] }
  const reading = beginReading(source, registry)
  reading.problems.push(...problems)
  const map = asMap(source.value)
  if (map === undefined) {
    report(reading, [], 'value', `the manifest is ${typeOf(source.value)}`, 'a map with `version: 1`, `system` and `secrets`')
    return { manifest: empty, problems: reading.problems, files: [] }
  }
  findSecrets(reading, [], source.value)
  const top = validate(reading, manifestSchema, [])
  const defaults = ('defaults' in map ? validate(reading, defaultsSchema, ['defaults']) : undefined) ?? {}
  const schedule = top?.schedule === undefined ? undefined : readSchedule(reading, top.schedule)
  const manifest: Manifest = {
    ...empty,
    ...(schedule === undefined ? {} : { schedule }),
    system: top?.system ?? '',
    environment: top?.environment ?? 'production',
    state: readState(reading, base, top?.state),
    ...('sealing' in map ? readSealing(reading) : {}),
    preflight: readChecks(reading, 'preflight', map.preflight),
    postflight: readChecks(reading, 'postflight', map.postflight),
    secrets: readSecrets(reading, map.secrets, defaults),
    ...readTelling(reading, top),
  }
  const expressions = [['defaults'], ...Object.keys(asMap(map.secrets) ?? {}).map((name) => ['secrets', name])].flatMap((path) => {
    const every = valueAt(source.value, [...path, 'every'])
    return typeof every === 'string' && isCron(every) ? [{ path: [...path, 'every'], every }] : []
  })
  if (schedule !== undefined || expressions.length > 0) (await import('./times.ts')).checkTimes(reading, schedule?.zone, expressions)
  return { manifest, problems: reading.problems, files: reading.files }
}

/** A folder becomes a path; what is only known when it is resolved, and a URL, stay as they are written. */
function readState(reading: Reading, base: string, text = '.keyturn'): string {
  reportReferences(reading, ['state'], text)
  if (hasReference(text) || /^postgres(ql)?:\/\//.test(text)) return text
  if (/^\w+:\/\//.test(text)) report(reading, ['state'], 'value', '`state` is a URL of another kind', 'a folder, or `${env:NAME}` for a `postgres://` URL')
  return resolve(base, text)
}

function readSealing(reading: Reading): Pick<Manifest, 'sealing'> {
  const block = openBlock(reading, 'sealing', ['sealing'])
  const sealing = block === undefined ? undefined : closeBlock(reading, 'sealing', ['sealing'], block)
  return sealing === undefined ? {} : { sealing }
}

function readChecks(reading: Reading, key: string, value: unknown): readonly CheckSpec[] {
  return asList(value)
    .map((_, index) => readCheck(reading, 'preflight', [key, index]))
    .filter((check) => check !== undefined)
}

function readSecrets(reading: Reading, value: unknown, defaults: Parameters<typeof readEntry>[2]): Record<string, SecretSpec> {
  const names = Object.keys(asMap(value) ?? {})
  if (asMap(value) !== undefined && names.length === 0)
    report(reading, ['secrets'], 'value', '`secrets` is empty', 'one secret at least')
  const entries = names.map((name) => readEntry(reading, name, defaults))
  reportCircles(reading, asMap(value) ?? {})
  return Object.fromEntries(entries.filter((entry) => entry !== undefined).map((entry) => [entry.name, entry]))
}

/** Reports every text whose form gives a secret away, wherever it stands. */
function findSecrets(reading: Reading, path: Path, value: unknown): void {
  if (typeof value === 'string') {
    const kind = literalSecret(value)
    const write = path.includes('bind') ? '`{password}` where the field belongs' : '`${env:NAME}` or `${file:PATH}` in its place'
    if (kind !== undefined) report(reading, path, 'value', `${kind} stands here in the clear`, write)
  } else if (value !== null && typeof value === 'object') {
    for (const [key, child] of Object.entries(value)) {
      findSecrets(reading, [...path, Array.isArray(value) ? Number(key) : key], child)
    }
  }
}

async function askGit(base: string, files: Reading['files'], ask: NonNullable<LoadOptions['gitStates']>): Promise<Problem[]> {
  const found = files.map(({ file, place }) => ({ place, real: canonical(locate(file, base)) }))
  const states = found.length === 0 ? new Map<string, GitState>() : await ask([...new Set(found.map(({ real }) => real))])
  const looked = found.map(({ place, real }) => ({ place, example: isExample(real), state: states.get(real) }))
  return looked.flatMap(({ place, example, state }): Problem[] => {
    if (example) return [{ place, what: 'an example is no store: everybody reads it', write: 'the file that is really used' }]
    if (state === 'tracked') {
      return [
        {
          place,
          what: 'git tracks this store',
          write: 'a file that git ignores (`git rm --cached` and .gitignore, if it is this one)',
        },
      ]
    }
    if (state === 'exposed') return [{ place, what: 'git does not ignore this store', write: 'its name into .gitignore' }]
    return []
  })
}

function askInTime(paths: readonly string[]): Promise<ReadonlyMap<string, GitState>> {
  return gitStates(paths, { signal: AbortSignal.timeout(gitTime), deadline: Date.now() + gitTime })
}
