import { jsonAt } from '../../outside/expectation.ts'

type Scalar = string | number | boolean | null

/** What a line has to be like: a regular expression for how it begins, or fields of the JSON document that it is. */
export type Pattern = string | { readonly json: Readonly<Record<string, Scalar>> }

/**
 * What is wrong with a regular expression, as words for what to write; undefined when nothing is. It has to say how a line begins:
 * `auth` is also in `author`, and `401` in the number of a request (C-28).
 */
export function faultOf(pattern: string): string | undefined {
  try {
    RegExp(pattern, 'u')
  } catch {
    return 'a regular expression of JavaScript'
  }
  const loose = alternatives(pattern).find((each) => !each.startsWith('^'))
  if (loose !== undefined) return 'a `^` at the beginning of every alternative: say how the line begins, such as `^\\S+ ERROR `'
  const blind = alternatives(pattern).some((each) => /^\^\(?(?:\?:)?(?:\.|\[\^?\])[*+]/.test(each))
  return blind ? 'how the line begins in place of `^.*`, which any line does' : undefined
}

/** The parts between the bars that stand in no group and no class. Of a valid expression. */
function alternatives(pattern: string): readonly string[] {
  const found: string[] = []
  let depth = 0
  let inClass = false
  let from = 0
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at]
    if (character === '\\') at += 1
    else if (inClass) inClass = character !== ']'
    else if (character === '[') inClass = true
    else if (character === '(') depth += 1
    else if (character === ')') depth -= 1
    else if (character === '|' && depth === 0) {
      found.push(pattern.slice(from, at))
      from = at + 1
    }
  }
  return [...found, pattern.slice(from)]
}

/** Whether a line is like it. */
export function compile(pattern: Pattern, ignoreCase: boolean): (line: string) => boolean {
  if (typeof pattern === 'string') {
    const expression = new RegExp(pattern, ignoreCase ? 'iu' : 'u')
    return (line) => expression.test(line)
  }
  const wanted = Object.entries(pattern.json).map(([path, value]) => [path, fold(value, ignoreCase)] as const)
  return (line) => {
    const document = documentOf(line)
    return document !== undefined && wanted.every(([path, value]) => fold(jsonAt(document, path), ignoreCase) === value)
  }
}

function fold(value: unknown, ignoreCase: boolean): unknown {
  return ignoreCase && typeof value === 'string' ? value.toLowerCase() : value
}

function documentOf(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** What lines a rule counts. */
export interface Counted {
  readonly lines: Pattern | readonly Pattern[]
  readonly except?: Pattern | readonly Pattern[] | undefined
  readonly ignoreCase: boolean
}

/** Whether a rule counts a line: it is like one of `lines` and like none of `except`. */
export function compileRule({ lines, except, ignoreCase }: Counted): (line: string) => boolean {
  const wanted = listOf(lines).map((pattern) => compile(pattern, ignoreCase))
  const harmless = listOf(except).map((pattern) => compile(pattern, ignoreCase))
  return (line) => wanted.some((matches) => matches(line)) && !harmless.some((matches) => matches(line))
}

/** One or several as several. */
export function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return []
  return Array.isArray(given) ? given : [given as T]
}
