import type { Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'

type Part = { readonly text: string } | { readonly name: string }

const TOKEN = /\{\{|\}\}|\$\{[^{}]*\}|\{([A-Za-z_][\w-]*)\}|[{}]/g

/**
 * Takes a template apart: `{name}` is a placeholder, `{{` and `}}` are literal braces, a reference stays in its text. Undefined
 * when a brace is none of these.
 */
export function partsOf(template: string): readonly Part[] | undefined {
  const parts: Part[] = []
  let text = ''
  let from = 0
  for (const match of template.matchAll(TOKEN)) {
    const [token, name] = match
    text += template.slice(from, match.index)
    from = match.index + token.length
    if (name !== undefined) {
      parts.push({ text }, { name })
      text = ''
    } else if (token.length === 1) return undefined
    else text += token.startsWith('$') ? token : token.charAt(0)
  }
  return [...parts, { text: text + template.slice(from) }]
}

/** The placeholders of a template, each once. */
export function placeholdersOf(template: string): readonly string[] {
  return [...new Set(partsOf(template)?.flatMap((part) => ('name' in part ? [part.name] : [])) ?? [])]
}

/** What stands for the placeholders. */
export type Values = Readonly<Record<string, Secret>>

/**
 * Puts values in the place of placeholders and resolves references, at this moment. What a value or a reference brings in is
 * text: nothing in it is replaced again. Throws REFERENCE_UNRESOLVED; a placeholder without a value is a RangeError, for
 * validation lets none through.
 */
export async function fill(template: string, values: Values, host: Pick<Host, 'resolve'>): Promise<Secret> {
  let filled = ''
  for (const part of partsOf(template) ?? []) {
    filled += 'name' in part ? valueOf(values, part.name).reveal() : part.text === '' ? '' : (await host.resolve(part.text)).reveal()
  }
  return new Secret(filled)
}

/**
 * Puts values in the place of placeholders of a URL, percent-encoded; only such that are no secret are ever asked for (validation).
 * Undefined when one would change the path instead of standing in it: an empty one, `.` and `..`.
 */
export function fillUrl(template: string, values: Values): string | undefined {
  let filled = ''
  for (const part of partsOf(template) ?? []) {
    const text = 'name' in part ? valueOf(values, part.name).reveal() : part.text
    if ('name' in part && /^\.{0,2}$/.test(text)) return undefined
    filled += 'name' in part ? encodeURIComponent(text) : text
  }
  return filled
}

function valueOf(values: Values, name: string): Secret {
  const value = values[name]
  if (value === undefined) throw new RangeError(`no value for {${name}}`)
  return value
}
