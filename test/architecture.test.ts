import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const checkout = resolve(import.meta.dirname, '..')
const root = join(checkout, 'src')

/** One arrow: `types` only with `import type`, `file` only from files of this name. */
interface Arrow {
  readonly to: string
  readonly types: boolean
  readonly file?: string
  /** One of `all of the above`. */
  readonly above?: true
}

/**
 * What each part may import beside itself, from the table in ARCHITECTURE.md: names of the rows above it, with commas between them.
 * `plan (types)` is for types alone, `testing (fake.ts)` for files of that name. `all of the above` leaves out `connectors`, which only
 * the registry names.
 */
function arrowsOf(document: string): ReadonlyMap<string, readonly Arrow[]> {
  const arrows = new Map<string, readonly Arrow[]>()
  for (const [, first = '', last = ''] of document.matchAll(/^\| ([^|]*`src\/[^|]*) \|[^|]*\| ([^|]*) \|$/gm)) {
    const above = [...arrows.keys()].filter((name) => name !== 'connectors').map((to): Arrow => ({ to, types: false, above: true }))
    const listed = last.split(', ').flatMap((words): Arrow[] => {
      if (words === 'all of the above') return above
      const [, to = '', only] = /^(\S+?)(?: \(([\w.]+)\))?$/.exec(words) ?? []
      if (words === 'nothing of ours' || words === 'its own folder') return []
      return [{ to, types: only === 'types', ...(only === undefined || only === 'types' ? {} : { file: only }) }]
    })
    const named = [...first.matchAll(/`src\/([\w.-]+)[^`]*`/g)].map(([, name = '']) => name)
    for (const name of named) arrows.set(name, listed)
  }
  return arrows
}

const ARROWS = arrowsOf(readFileSync(join(checkout, 'ARCHITECTURE.md'), 'utf8'))

/** Which parts may import a package. Lazily: as a type, or where it is used with `await import(...)`, so that no start pays for it. */
const PACKAGES: Readonly<Record<string, { readonly in: readonly string[]; readonly lazily?: true }>> = {
  '@aws-sdk/client-elasticache': { in: ['connectors'], lazily: true },
  '@aws-sdk/client-iam': { in: ['connectors'], lazily: true },
  '@aws-sdk/client-secrets-manager': { in: ['connectors'], lazily: true },
  '@aws-sdk/client-ssm': { in: ['connectors'], lazily: true },
  '@aws-sdk/client-sts': { in: ['connectors'], lazily: true },
  '@lydell/node-pty': { in: ['outside'], lazily: true },
  '@nats-io/jwt': { in: ['connectors'], lazily: true },
  '@nats-io/transport-node': { in: ['connectors', 'outside'], lazily: true },
  '@noble/hashes': { in: ['connectors'], lazily: true },
  '@redis/client': { in: ['connectors'], lazily: true },
  aws4fetch: { in: ['connectors', 'testing'], lazily: true },
  'age-encryption': { in: ['sealing'], lazily: true },
  amqplib: { in: ['connectors'], lazily: true },
  bcryptjs: { in: ['connectors'], lazily: true },
  commander: { in: ['cli'] },
  croner: { in: ['schedule'] },
  'fastest-levenshtein': { in: ['yaml'] },
  'jsonc-parser': { in: ['connectors'] },
  kysely: { in: ['state', 'outbox', 'copying', 'operations'], lazily: true },
  mysql2: { in: ['connectors'], lazily: true },
  'neo4j-driver': { in: ['connectors'], lazily: true },
  nodemailer: { in: ['connectors'], lazily: true },
  pg: { in: ['state', 'connectors'], lazily: true },
  'pg-boss': { in: ['dispatch'], lazily: true },
  read: { in: ['cli'], lazily: true },
  'js-yaml': { in: ['yaml', 'outside'] },
  ws: { in: ['outside', 'connectors'], lazily: true },
  yaml: { in: ['yaml', 'scan', 'connectors'] },
  zod: { in: ['kit', 'outside', 'testing', 'manifest', 'yaml', 'connectors'] },
}

interface Import {
  readonly from: string
  /** A path from `src`, or the name of a package. */
  readonly to: string
  readonly how: 'static' | 'type' | 'lazy'
}

/** Every import of a file, resolved. What a comment says is none. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
  const statements = code.matchAll(/(?<=^|;)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]*?\bfrom\s*)?(['"])([^'"]+)\2/gm)
  const calls = code.matchAll(/\b(?:import|require|import\.meta\.resolve)\s*\(\s*(['"`])([^'"`]+)\1/g)
  const to = (specifier: string): string => (specifier.startsWith('.') ? relative(root, resolve(root, dirname(from), specifier)) : specifier)
  return [
    ...[...statements].map(([, type, , specifier = '']): Import => ({ from, to: to(specifier), how: type === undefined ? 'static' : 'type' })),
    ...[...calls].map(([, , specifier = '']): Import => ({ from, to: to(specifier), how: 'lazy' })),
  ]
}

/** The parts of a path that the rules speak of: the first folder, or a file at the top. */
function part(path: string): string {
  return path.split('/')[0] ?? path
}

/** In words, what an import breaks; undefined when it may be. */
function violation(each: Import): string | undefined {
  const { from, to, how } = each
  if (to.startsWith('..')) return `${from} leaves src: ${to}`
  if (!to.endsWith('.ts')) return packageViolation(each)
  if (!existsSync(join(root, to))) return `${from} imports what is not there: ${to}`
  if (part(from) === 'connectors' && part(to) === 'connectors') {
    return from.split('/')[1] === to.split('/')[1] ? undefined : `${from} imports another connector: ${to}`
  }
  if (part(from) === part(to)) return undefined
  const arrow = ARROWS.get(part(from))?.find((one) => one.to === part(to))
  if (arrow === undefined || (arrow.file !== undefined && arrow.file !== basename(from))) return `${from} imports ${to}`
  return arrow.types && how !== 'type' ? `${from} imports more than types of ${to}` : undefined
}

function packageViolation({ from, to, how }: Import): string | undefined {
  if (to.startsWith('node:')) return undefined
  const name = to.split('/').slice(0, to.startsWith('@') ? 2 : 1).join('/')
  const rule = Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : undefined
  if (rule === undefined || !rule.in.includes(part(from))) return `${from} imports the package ${name}`
  return rule.lazily === true && how === 'static' ? `${from} imports ${name} at its top` : undefined
}

const sources = globSync('**/*.ts', { cwd: root })
const files = sources.filter((name) => !name.endsWith('.test.ts'))
const imports = files.flatMap((name) => importsOf(name, readFileSync(join(root, name), 'utf8')))

describe('the architecture', () => {
  it('has imports that point one way only, and packages where they belong', () => {
    expect(imports.length).toBeGreaterThan(600)
    expect(imports.flatMap((each) => violation(each) ?? [])).toEqual([])
  })

  it.each([
    ['plan/make.ts', "import { drive } from '../engine/drive.ts'", 'plan/make.ts imports engine/drive.ts'],
    ['kit/secret.ts', 'import "../engine/drive.ts"', 'kit/secret.ts imports engine/drive.ts'],
    ['kit/secret.ts', "export * from '../engine/drive.ts'", 'kit/secret.ts imports engine/drive.ts'],
    ['plan/make.ts', "const { openState } = await import('../state/open.ts')", 'plan/make.ts imports state/open.ts'],
    ['plan/make.ts', "import type { State } from '../state/open.ts'", 'plan/make.ts imports state/open.ts'],
    ['plan/make.ts', "import {\n  type Binding,\n  SecretSpec,\n} from '../manifest/model.ts'", 'plan/make.ts imports more than types of manifest/model.ts'],
    ['connectors/http/index.ts', "import { x } from '../dotenv/store.ts'", 'connectors/http/index.ts imports another connector: connectors/dotenv/store.ts'],
    ['connectors/http/index.ts', "import { x } from '../../state/open.ts'", 'connectors/http/index.ts imports state/open.ts'],
    ['engine/drive.ts', "import { x } from '../connectors/http/index.ts'", 'engine/drive.ts imports connectors/http/index.ts'],
    ['engine/drive.ts', "import { x } from '../../test/fixture/session.ts'", 'engine/drive.ts leaves src: ../test/fixture/session.ts'],
    ['engine/drive.ts', "import { x } from './nothing.ts'", 'engine/drive.ts imports what is not there: engine/nothing.ts'],
    ['engine/drive.ts', "const pg = await import('pg')", 'engine/drive.ts imports the package pg'],
    ['engine/drive.ts', "import { rotate } from 'keyturn'", 'engine/drive.ts imports the package keyturn'],
    ['connectors/http/check.ts', "import { S3 } from '@aws-sdk/client-s3'", 'connectors/http/check.ts imports the package @aws-sdk/client-s3'],
    ['connectors/postgres/session.ts', "import pg from 'pg'", 'connectors/postgres/session.ts imports pg at its top'],
    ['state/postgres.ts', "import { Kysely, type Generated } from 'kysely'", 'state/postgres.ts imports kysely at its top'],
  ])('finds what is planted: in %s %j', (from, text, found) => {
    expect(importsOf(from, text).map(violation)).toEqual([found])
  })

  it.each([
    ['connectors/postgres/session.ts', "const { default: pg } = await import('pg')"],
    ['state/postgres.ts', "import type { PoolClient } from 'pg'"],
    ['plan/make.ts', "import type { SecretSpec } from '../manifest/model.ts'"],
    ['engine/drive.ts', "/** See import('pg') and\n * import x from 'pg' */ // import 'pg'\nimport { join } from 'node:path'"],
  ])('finds nothing in what may be: in %s %j', (from, text) => {
    expect(importsOf(from, text).flatMap((each) => violation(each) ?? [])).toEqual([])
  })

  it('stands in ARCHITECTURE.md: every part of the source, each below all that it may import', () => {
    expect([...ARROWS.keys()].sort()).toEqual(readdirSync(root).filter((name) => !name.endsWith('.test.ts')).sort())
    const order = [...ARROWS.keys()]
    const upwards = order.flatMap((name, at) => (ARROWS.get(name) ?? []).filter(({ to }) => !order.slice(0, at).includes(to)).map(({ to }) => `${name}: ${to}`))
    expect(upwards).toEqual([])
  })

  it('allows nothing that nobody uses', () => {
    const used = new Set(imports.map(({ from, to }) => `${part(from)}: ${part(to)}`))
    const listed = [...ARROWS].flatMap(([name, arrows]) => arrows.flatMap(({ to, above }) => (above === true ? [] : `${name}: ${to}`)))
    expect(listed.filter((arrow) => !used.has(arrow))).toEqual([])
  })

  it('names a connector only in the generated registry', () => {
    const named = imports.filter(({ from, to }) => part(to) === 'connectors' && part(from) !== 'connectors')
    expect([...new Set(named.map(({ from }) => from))]).toEqual(['connectors.gen.ts'])
  })

  it('has no file that names what it holds by nothing', () => {
    expect(files.filter((name) => /(^|\/)(utils?|helpers?|common|misc|manager)\.ts$/.test(name))).toEqual([])
  })

  it('has a core that one can read: about 3,500 lines, without comments and blank lines', () => {
    const core = files.filter((name) => ['kit', 'manifest', 'plan', 'engine', 'state', 'dispatch'].includes(part(name)))
    const lines = core.flatMap((name) => readFileSync(join(root, name), 'utf8').replaceAll(/^\s*\/\*[^]*?\*\/\s*$/gm, '').split('\n'))
    expect(lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length).toBeLessThan(3_600)
  })

  it('keeps files small: 300 lines, tests 500', () => {
    const all = globSync('{src,test,scripts,demo,bench}/**/*.ts', { cwd: checkout })
    const long = all.filter((name) => readFileSync(join(checkout, name), 'utf8').split('\n').length > (name.endsWith('.test.ts') ? 500 : 300))
    expect(long).toEqual([])
  })
})
