import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../src')

/** What each part may import beside itself; ARCHITECTURE.md has the same table. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  manifest: ['kit'],
  plan: ['kit', 'manifest'],
  state: ['kit'],
  engine: ['kit', 'manifest', 'plan', 'state'],
  connectors: ['kit'],
  'connectors.gen.ts': ['kit', 'connectors'],
  views: ['kit', 'plan', 'state', 'engine'],
  'runtime.ts': ['kit', 'manifest', 'state', 'engine', 'connectors.gen.ts'],
  'operations.ts': ['kit', 'manifest', 'plan', 'state', 'engine', 'runtime.ts'],
  cli: ['kit', 'manifest', 'plan', 'state', 'engine', 'views', 'runtime.ts', 'operations.ts', 'connectors.gen.ts'],
  'index.ts': ['kit', 'manifest', 'plan', 'state', 'engine', 'runtime.ts', 'operations.ts', 'connectors.gen.ts'],
}

/** SDKs that only a connector's code may import, and never at the top of what `--help` loads. */
const SDKS = ['pg']

interface Import {
  readonly from: string
  readonly to: string
}

/** Every import of a file, static and dynamic, resolved; packages keep their name. */
function importsOf(file: string, text: string): Import[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '')
  return specifiers.map((specifier) => ({ from: relative(root, file), to: specifier.startsWith('.') ? relative(root, resolve(dirname(file), specifier)) : specifier }))
}

/** The parts of a path that the rules speak of: the first folder, or a file at the top. */
function part(path: string): string {
  return path.split('/')[0] ?? path
}

/** In words, what an import breaks; undefined when it may be. */
function violation({ from, to }: Import): string | undefined {
  if (to.startsWith('..')) return `${from} leaves src: ${to}`
  const isOurs = to.endsWith('.ts')
  if (!isOurs) return SDKS.includes(to) && part(from) !== 'connectors' && !from.endsWith('.test.ts') ? `${from} imports the SDK ${to}` : undefined
  if (part(from) === 'connectors' && part(to) === 'connectors') {
    return from.split('/')[1] === to.split('/')[1] ? undefined : `${from} imports another connector: ${to}`
  }
  if (part(from) === part(to)) return undefined
  return MAY[part(from)]?.includes(part(to)) === true ? undefined : `${from} imports ${to}`
}

function sources(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
}

describe('the architecture', () => {
  const files = sources().filter((name) => !name.endsWith('.test.ts'))
  const imports = files.flatMap((name) => importsOf(join(root, name), readFileSync(join(root, name), 'utf8')))

  it('has imports that point one way only', () => {
    expect(imports.length).toBeGreaterThan(200)
    expect(imports.flatMap((each) => violation(each) ?? [])).toEqual([])
  })

  it('finds a planted violation of each kind', () => {
    const planted = (from: string, text: string): (string | undefined)[] => importsOf(join(root, from), text).map(violation)
    expect(planted('kit/secret.ts', "import { drive } from '../engine/drive.ts'")).toEqual(['kit/secret.ts imports engine/drive.ts'])
    expect(planted('connectors/http/index.ts', "import { x } from '../dotenv/store.ts'")).toEqual(['connectors/http/index.ts imports another connector: connectors/dotenv/store.ts'])
    expect(planted('engine/drive.ts', "const pg = await import('pg')")).toEqual(['engine/drive.ts imports the SDK pg'])
    expect(planted('plan/make.ts', "import type { State } from '../state/open.ts'")).toEqual(['plan/make.ts imports state/open.ts'])
  })

  it('knows every part of the source', () => {
    expect([...new Set(files.map(part))].filter((name) => MAY[name] === undefined)).toEqual([])
  })

  it('names a connector only in the generated registry', () => {
    const named = imports.filter(({ from, to }) => part(to) === 'connectors' && part(from) !== 'connectors')
    expect([...new Set(named.map(({ from }) => from))]).toEqual(['connectors.gen.ts'])
  })

  it('has no file that names what it holds by nothing', () => {
    expect(files.filter((name) => /(^|\/)(utils?|helpers?|common|misc|manager)\.ts$/.test(name))).toEqual([])
  })

  it('keeps files small: 300 lines, tests 500', () => {
    const long = sources().filter((name) => readFileSync(join(root, name), 'utf8').split('\n').length > (name.endsWith('.test.ts') ? 500 : 300))
    expect(long).toEqual([])
  })
})
