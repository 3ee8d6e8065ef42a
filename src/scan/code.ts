import { basename, extname } from 'node:path/posix'
import type { CodeRead, Page } from './findings.ts'

const name = String.raw`([A-Za-z_]\w*)`
const quoted = String.raw`["'\u0060]([A-Za-z_]\w*)["'\u0060]`

/** How each language asks for a variable of its environment; the name is the only group. */
const JAVASCRIPT = [
  new RegExp(String.raw`\b(?:process\.env|import\.meta\.env|Bun\.env)(?:\?\.|\.)${name}`, 'g'),
  new RegExp(String.raw`\b(?:process\.env|import\.meta\.env|Bun\.env)(?:\?\.)?\[\s*${quoted}`, 'g'),
  new RegExp(String.raw`\bDeno\.env\.get\(\s*${quoted}`, 'g'),
]
const PYTHON = [
  new RegExp(String.raw`\b(?:os\.)?getenv\(\s*${quoted}`, 'g'),
  new RegExp(String.raw`\b(?:os\.)?environ(?:\.get\(|\.pop\(|\.setdefault\(|\[)\s*${quoted}`, 'g'),
  // environs, django-environ, python-decouple
  new RegExp(String.raw`\b(?:env(?:\.\w+)?|config)\(\s*${quoted}`, 'g'),
]
const JVM = [new RegExp(String.raw`\bSystem\.getenv\(\s*${quoted}`, 'g'), new RegExp(String.raw`\bSystem\.getenv\(\)(?:\.get\(|\[)\s*${quoted}`, 'g')]
const GO = [new RegExp(String.raw`\b(?:os|syscall)\.(?:Getenv|LookupEnv)\(\s*${quoted}`, 'g')]
const RUBY = [new RegExp(String.raw`\bENV(?:\[|\.fetch\(|\.dig\()\s*${quoted}`, 'g')]
const RUST = [new RegExp(String.raw`\benv::var(?:_os)?\(\s*${quoted}`, 'g'), new RegExp(String.raw`\b(?:option_)?env!\(\s*${quoted}`, 'g')]
const PHP = [new RegExp(String.raw`\b(?:getenv|env)\(\s*${quoted}`, 'g'), new RegExp(String.raw`\$_(?:ENV|SERVER)\[\s*${quoted}`, 'g')]
const DOTNET = [new RegExp(String.raw`\bEnvironment\.GetEnvironmentVariable\(\s*${quoted}`, 'g')]
const ELIXIR = [new RegExp(String.raw`\bSystem\.(?:get_env|fetch_env!?)\(\s*${quoted}`, 'g')]

const LANGUAGES: Readonly<Record<string, readonly RegExp[]>> = {
  '.js': JAVASCRIPT, '.mjs': JAVASCRIPT, '.cjs': JAVASCRIPT, '.jsx': JAVASCRIPT,
  '.ts': JAVASCRIPT, '.mts': JAVASCRIPT, '.cts': JAVASCRIPT, '.tsx': JAVASCRIPT, '.vue': JAVASCRIPT, '.svelte': JAVASCRIPT, '.astro': JAVASCRIPT,
  '.py': PYTHON, '.go': GO, '.rb': RUBY, '.rs': RUST, '.php': PHP, '.cs': DOTNET, '.ex': ELIXIR, '.exs': ELIXIR,
  '.java': JVM, '.kt': JVM, '.kts': JVM, '.scala': JVM, '.groovy': JVM,
}

/** `const { A, B: b, C = 'x' } = process.env`. */
const destructured = /\{([^{}]*)\}\s*=\s*(?:process\.env|import\.meta\.env|Bun\.env)\b/g

/** Tests run with an environment of their own. */
const test = /(?:^|\/)(?:tests?|__tests__|specs?|fixtures|testdata)\/|[._-](?:test|spec)\.\w+$|(?:^|\/)(?:test_[^/]+|conftest)\.py$/

/** Whether a file is code of the system in a language that is known here; tests, and bundles that were minified, are none. */
export function isCode(path: string): boolean {
  return extname(path) in LANGUAGES && !/\.min\.[cm]?js$/.test(basename(path)) && !test.test(path)
}

/** Which variables of its environment the code asks for by name; what it puts together at run time cannot be seen. Pure. */
export function scanCode(file: string, text: string): Page & { readonly reads: readonly CodeRead[] } {
  const patterns = LANGUAGES[extname(file)] ?? []
  const found = patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => ({ key: match[1] ?? '', at: match.index })))
  const taken = patterns === JAVASCRIPT ? [...text.matchAll(destructured)].flatMap(namesIn) : []
  const lines = lineStarts(text)
  const reads = [...found, ...taken].sort((a, b) => a.at - b.at).map(({ key, at }) => ({ key, seen: { file, line: lineAt(lines, at) } }))
  return { reads: reads.filter((read, index) => reads.findIndex((each) => each.key === read.key && each.seen.line === read.seen.line) === index) }
}

function namesIn(match: RegExpExecArray): readonly { readonly key: string; readonly at: number }[] {
  return [...(match[1] ?? '').matchAll(/(?:^|,)\s*([A-Za-z_]\w*)/g)].map((each) => ({ key: each[1] ?? '', at: match.index + 1 + each.index + each[0].length - 1 }))
}

function lineStarts(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
}

function lineAt(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length]
  while (low + 1 < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) <= at) low = middle
    else high = middle
  }
  return low + 1
}
