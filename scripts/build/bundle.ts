import { readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { build, type OutputChunk } from 'rolldown'
import { noticeOf } from './notice.ts'

const root = join(import.meta.dirname, '../..')

/**
 * The dependencies that every rotation needs: they become part of our own files, so that a start opens 30 files and not 700, and
 * what runs is what was tested. Everything else (SDKs, drivers of few) stays a package beside us and is loaded when it is used.
 */
const WITHIN = ['age-encryption', 'commander', 'fastest-levenshtein', 'js-yaml', 'kysely', 'pg', 'yaml', 'zod']

/** A driver in C++ that `pg` looks for and does without. */
const ABSENT = ['pg-native']

/**
 * Writes the JavaScript of the package: one file for each entry of package.json's `exports`, one for the command line, and between
 * them the parts that they share. All entries come from one build: a class such as `Secret` exists once, whoever imports it.
 * Takes half a second; `dist` has to be empty before.
 */
export async function writeBundle(dist: string): Promise<void> {
  const { output } = await build({
    cwd: root,
    input: await entries(),
    platform: 'node',
    external: (id, importer) => isPackage(id) && (ABSENT.includes(id) || (!WITHIN.includes(packageOf(id)) && !isWithin(importer))),
    output: { dir: dist, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'part-[name]-[hash].js' },
    logLevel: 'warn',
  })
  const modules = output.flatMap((each) => (each.type === 'chunk' ? modulesOf(each) : []))
  await writeFile(join(dist, 'third-party.txt'), await noticeOf(modules))
}

/** The sources by the name of their file in dist/. */
async function entries(): Promise<Record<string, string>> {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { exports: Record<string, string | { default: string }> }
  const exported = Object.values(exports).flatMap((each) => (typeof each === 'string' ? [] : [each.default]))
  const names = exported.map((file) => join(dirname(file), basename(file, '.js')).replace(/^dist\//, ''))
  // The command line, and the program that conformance suites start as a service.
  return Object.fromEntries([...names, 'cli/main', 'testing/service'].map((name) => [name, join(root, 'src', `${name}.ts`)]))
}

function modulesOf(chunk: OutputChunk): readonly string[] {
  return chunk.moduleIds
}

function isPackage(id: string): boolean {
  return /^(@[\w.-]+\/)?[\w-][\w.-]*/.test(id) && !id.startsWith('node:')
}

function packageOf(id: string): string {
  return id.split('/').slice(0, id.startsWith('@') ? 2 : 1).join('/')
}

/** What a package of {@link WITHIN} imports comes along. */
function isWithin(importer: string | undefined): boolean {
  return importer?.includes('/node_modules/') === true
}
