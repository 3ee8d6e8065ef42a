import type { Expectation } from '../outside/expectation.ts'
import { word } from './shell.ts'

/**
 * A condition of the shell that holds when the text in the variable `said` is as expected; with `not` when it is not so, and an empty
 * text or an absent field is never as expected (C-05). Needs grep with -P for `matches` and jq for `json`. Pure.
 */
export function fits(expected: Expectation | undefined, not = false): string {
  if (expected === undefined) return 'true'
  const { equals, includes, matches, json = {} } = expected
  const trimmed = `"$(printf %s "$said" | sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//')"`
  const conditions = [
    ...(not ? ['[ -n "$said" ]'] : []),
    ...(equals === undefined ? [] : [`[ ${trimmed} ${not ? '!=' : '='} ${word(equals.trim())} ]`]),
    ...(includes === undefined ? [] : [`${not ? '! ' : ''}grep -qF -- ${word(includes)} <<< "$said"`]),
    ...(matches === undefined ? [] : [`${not ? '! ' : ''}grep -qP -- ${word(matches)} <<< "$said"`]),
    ...Object.entries(json).map(([path, value]) => `jq -e ${word(`${there(path)} and getpath(${pathOf(path)}) ${not ? '!=' : '=='} ${JSON.stringify(value)}`)} <<< "$said" > /dev/null 2>&1`),
  ]
  return conditions.join(' && ') || 'true'
}

/** The programs that such a condition calls. */
export function toolsOf(...all: readonly (Expectation | undefined)[]): readonly string[] {
  return all.some((one) => one?.json !== undefined) ? ['jq'] : []
}

/** jq alone says null both for null and for what is not there. */
function there(path: string): string {
  const parts = partsOf(path)
  return `(try (getpath(${JSON.stringify(parts.slice(0, -1))}) | has(${JSON.stringify(parts.at(-1))})) catch false)`
}

function pathOf(path: string): string {
  return JSON.stringify(partsOf(path))
}

function partsOf(path: string): readonly (string | number)[] {
  return path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
