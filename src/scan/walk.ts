import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reduceCause } from '../kit/index.ts'
import type { GitState } from '../outside/file/index.ts'
import type { Unread } from './findings.ts'

/** What others made: dependencies, environments of languages, output, our own state. Never entered. */
const FOREIGN = new Set([
  'node_modules', 'bower_components', 'jspm_packages', 'vendor', 'site-packages', '__pycache__', '__pypackages__',
  '.git', '.hg', '.svn', '.venv', 'venv', 'virtualenv', '.tox', '.nox', '.eggs', '.mypy_cache', '.pytest_cache', '.ruff_cache',
  'dist', 'target', '.next', '.nuxt', '.svelte-kit', '.output', '.turbo', '.parcel-cache', '.gradle', '.terraform', '.bundle', '.yarn', '.pnpm-store',
  '.cache', '.idea', '.vscode', '.keyturn',
])

/** What may be output or the project's own: left out only where git ignores it. */
const PERHAPS_FOREIGN = new Set(['build', 'out', 'output', 'bin', 'obj', 'coverage', 'tmp', 'temp', 'deps', '_build', 'pkg', 'public', 'generated', 'packages'])

const MOST_FILES = 200_000
const KIBI = 1024

/** So big is nothing that people write: data, bundles, dumps. Bytes. */
export const LARGEST = 512 * KIBI

/** Asks git about paths, absolute ones. */
export type AskGit = (paths: readonly string[]) => Promise<ReadonlyMap<string, GitState>>

/** The files below a folder, from there and with `/`, in order; and the folders that could not be entered. Links to folders are not followed. */
export async function walk(root: string, ask: AskGit): Promise<{ readonly files: readonly string[]; readonly unread: readonly Unread[] }> {
  const files: string[] = []
  const unread: Unread[] = []
  const waiting = ['']
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const here = folder
    const inside = (name: string): string => (here === '' ? name : `${here}/${name}`)
    const entries = await readdir(join(root, here), { withFileTypes: true }).catch((thrown: unknown) => {
      unread.push({ file: here === '' ? '.' : here, why: `the folder cannot be read (${reduceCause(thrown).code ?? 'error'})` })
      return []
    })
    // A virtual environment of Python by another name than usual.
    if (entries.some(({ name }) => name === 'pyvenv.cfg')) continue
    const folders = entries.filter((entry) => entry.isDirectory() && isPrintable(entry.name) && !FOREIGN.has(entry.name)).map(({ name }) => name)
    const doubtful = folders.filter((name) => PERHAPS_FOREIGN.has(name)).map((name) => join(root, inside(name)))
    const states = doubtful.length === 0 ? new Map<string, GitState>() : await ask(doubtful)
    waiting.push(...folders.filter((name) => states.get(join(root, inside(name))) !== 'ignored').map(inside))
    files.push(...entries.filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && isPrintable(entry.name)).map(({ name }) => inside(name)))
    if (files.length > MOST_FILES) {
      unread.push({ file: inside(''), why: `more than ${MOST_FILES} files: what lies beyond was not looked at` })
      break
    }
  }
  return { files: files.sort(), unread }
}

/** A name that steers a terminal, or would end a comment, is nobody's configuration. */
function isPrintable(name: string): boolean {
  return !/[\p{Cc}\u2028\u2029]/u.test(name)
}

/** The text of a file, or why it is not read. */
export async function readText(root: string, file: string): Promise<{ readonly text: string } | { readonly why: string }> {
  const path = join(root, file)
  try {
    const found = await stat(path)
    if (!found.isFile()) return { why: 'no regular file' }
    if (found.size > LARGEST) return { why: `larger than ${LARGEST / KIBI} KiB` }
    const text = await readFile(path, 'utf8')
    return text.includes('\0') ? { why: 'no text' } : { text }
  } catch (thrown) {
    return { why: `it cannot be read (${reduceCause(thrown).code ?? 'error'})` }
  }
}
