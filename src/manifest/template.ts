/** A template is text and fields by turns. */
export type Part = { readonly text: string } | { readonly field: string }

/** What is wrong with a template and what to write instead. */
export interface TemplateFault {
  readonly what: string
  readonly write: string
}

const token = /\{\{|\}\}|\$\{[^{}]*\}|\{([^{}]*)\}|[{}]/g
const fieldName = /^[A-Za-z_][\w-]*$/

/**
 * Takes a template apart: `{name}` is a field, `{{` and `}}` are literal braces. Answers with a fault when braces do not pair,
 * a name is none, or two fields touch so that nobody could tell them apart again.
 */
export function parseTemplate(text: string): { readonly parts: readonly Part[] } | { readonly fault: TemplateFault } {
  const parts: Part[] = []
  let literal = ''
  let from = 0
  for (const match of text.matchAll(token)) {
    literal += text.slice(from, match.index)
    from = match.index + match[0].length
    if (match[0] === '{{' || match[0] === '}}') {
      literal += match[0][0]
    } else if (match[0].startsWith('${')) {
      return { fault: { what: 'a template takes no reference', write: 'a field such as `{password}`, or the text itself' } }
    } else if (match[1] === undefined || !fieldName.test(match[1])) {
      return {
        fault: { what: 'the template has a brace that is no field', write: '`{{` or `}}` for a brace, `{name}` for a field' },
      }
    } else {
      if (literal !== '') parts.push({ text: literal })
      else if (parts.length > 0) return { fault: { what: 'two fields touch in the template', write: 'some text between them' } }
      parts.push({ field: match[1] })
      literal = ''
    }
  }
  literal += text.slice(from)
  if (literal !== '') parts.push({ text: literal })
  return { parts }
}

/** The names of the fields in a template, each once. A faulty template names none. */
export function fieldsOf(template: string): readonly string[] {
  const parsed = parseTemplate(template)
  if ('fault' in parsed) return []
  return [...new Set(parsed.parts.flatMap((part) => ('field' in part ? [part.field] : [])))]
}
