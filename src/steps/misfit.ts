import type { Secret } from '../kit/index.ts'
import { decode, isUrl, patternOf, urlShape } from '../manifest/binding.ts'
import type { Binding } from '../manifest/model.ts'
import { parseTemplate, type Part } from '../manifest/template.ts'

/**
 * Which part of a stored value does not fit its binding, in words: `the end after {password} is another one`. For a value that
 * `readBinding` could not read; shows names of fields and nothing of the value. Pure.
 */
export function misfitOf(binding: Binding, value: Secret): string {
  return 'template' in binding ? ofTemplate(binding.template, value.reveal()) : ofUrl(binding.url, value.reveal())
}

function ofTemplate(template: string, text: string): string {
  const parsed = parseTemplate(template)
  const parts = 'parts' in parsed ? parsed.parts : []
  const inUrl = isUrl(template)
  // The beginning of the template that the value begins with ends where the first text is another one.
  const wrong = parts.findIndex((_, index) => !patternOf(parts.slice(0, index + 1), inUrl, '').test(text))
  if (wrong >= 0) return textAt(parts, wrong)
  const whole = patternOf(parts, inUrl, '$').exec(text)
  if (whole === null) return atTheEnd(parts)
  const names = parts.flatMap((part) => ('field' in part ? [part.field] : []))
  const fields = names.map((name, index) => [name, whole[index + 1] ?? ''] as const)
  const faulty = fields.find(([, found]) => fieldFault(found, inUrl) !== undefined)
  if (faulty !== undefined) return `{${faulty[0]}} ${fieldFault(faulty[1], inUrl)}`
  const twice = names.find((name) => new Set(fields.filter(([other]) => other === name).map(([, found]) => found)).size > 1)
  return twice === undefined ? 'it has a field that the issuer does not have' : `{${twice}} is there more than once, with different values`
}

/** A text of the template by the fields beside it: no two texts touch, and neither do two fields. */
function textAt(parts: readonly Part[], index: number): string {
  const [before, after] = [parts[index - 1], parts[index + 1]].map((part) => (part !== undefined && 'field' in part ? `{${part.field}}` : undefined))
  if (before === undefined) return `the text before ${after} is another one`
  return after === undefined ? `the end after ${before} is another one` : `the text between ${before} and ${after} is another one`
}

/** All of the template is there, and then there is more. */
function atTheEnd(parts: readonly Part[]): string {
  const last = parts.at(-1)
  if (last !== undefined && 'field' in last) return `{${last.field}} has a character that stands percent-encoded in a URL`
  return textAt(parts, parts.length - 1)
}

function fieldFault(found: string, encoded: boolean): string | undefined {
  if (found === '') return 'is empty'
  return encoded && decode(found) === undefined ? 'is not percent-encoded as in a URL' : undefined
}

function ofUrl({ user, password }: { readonly user?: string; readonly password: string }, text: string): string {
  const authority = urlShape.exec(text)?.[2]
  if (authority === undefined) return 'it is no URL'
  const at = authority.lastIndexOf('@')
  if (at < 0) return 'the URL has no user and password before an @'
  const [, name = '', word] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, at)) ?? []
  if (word === undefined) return 'the URL has no password'
  const userFault = user === undefined && name === '' ? undefined : fieldFault(name, true)
  if (userFault !== undefined) return user === undefined ? `the user of the URL ${userFault}` : `{${user}} ${userFault}`
  return `{${password}} ${fieldFault(word, true) ?? 'does not fit'}`
}
