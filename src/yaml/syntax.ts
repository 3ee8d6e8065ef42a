import { LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import type { Problem } from '../kit/index.ts'
import type { Place } from '../manifest/model.ts'

// In our own words: the library's messages quote the text, which may hold a value.
const words: Readonly<Record<string, readonly [what: string, write: string]>> = {
  BAD_DQ_ESCAPE: ['an unknown escape in double quotes', 'the text in single quotes, or `\\\\` for a backslash'],
  BAD_INDENT: ['the indentation does not fit', 'the line as deep as its neighbours, and close every bracket'],
  BAD_SCALAR_START: ['a text cannot start with this character', 'it in quotes'],
  BLOCK_AS_IMPLICIT_KEY: ['a second `: ` in one line', 'the text in quotes'],
  BLOCK_IN_FLOW: ['an indented block inside of brackets', 'all of it in brackets, or all of it indented'],
  MISSING_CHAR: ['something is not closed', 'the missing quote, bracket, comma or `: `'],
  MULTILINE_IMPLICIT_KEY: ['a key goes over more than one line', 'the key on one line and `: ` after it'],
  MULTIPLE_DOCS: ['the file has more than one document', 'one document, without `---` between'],
  NON_STRING_KEY: ['a key is no text', 'a text'],
  TAB_AS_INDENT: ['a tab in the indentation', 'spaces'],
  TAG_RESOLVE_FAILED: ['an unknown tag', 'the value without the `!` word'],
}

/**
 * The first thing that is wrong with a text that is no YAML document: what, and what to write instead. Pure. The reader says only
 * where it gave up, at `broken`; this library is three times as slow and knows why.
 */
export function explainSyntax(text: string, broken: number, place: (offset: number) => Place): Problem {
  const document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: false, stringKeys: true, uniqueKeys: false })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) return syntaxProblem(error, text, place)
  let alone: number | undefined
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined
      alone = alias.range?.[0]
      return visit.BREAK
    },
  })
  if (alone !== undefined) return { place: place(alone), what: 'the alias has no anchor before it', write: 'the value itself' }
  return { place: place(broken), what: 'this is no YAML here', write: 'a key and a value, `key: value`, in quotes where in doubt' }
}

/** A syntax error of the library: its code decides the words, its offset the place. */
function syntaxProblem(error: YAMLError, text: string, place: (offset: number) => Place): Problem {
  const at = error.pos[0]
  if (text[at - 1] === '$' && text[at] === '{') {
    return { place: place(at - 1), what: 'a reference inside of brackets', write: 'it in quotes: `"${env:NAME}"`' }
  }
  const [what, write] = words[error.code] ?? ['this is no YAML here', 'a key and a value, `key: value`, in quotes where in doubt']
  return { place: place(at), what, write }
}
