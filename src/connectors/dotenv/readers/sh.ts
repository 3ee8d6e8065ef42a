import type { Readings } from './reading.ts'

const OPERATOR = /[&|<>()]/
const WORD_END = /[ \t\n;&|<>()]/
const NAME = /([A-Za-z_]\w*)=/y
/** After these the rest of the file is more than a list of assignments. */
const LANGUAGE = new Set([
  'if', 'then', 'elif', 'else', 'fi', 'for', 'while', 'until', 'do', 'done', 'case', 'esac', '{', '}', '!', 'function', '.',
  'source', 'eval', 'exec', 'exit', 'return', 'set', 'alias', 'read', 'trap', 'shift', 'break', 'continue', 'times', ':',
])

interface Word {
  readonly name: string | undefined
  readonly text: string
  /** Depends on variables, commands, the home folder or (as an argument) on the files that are there. */
  readonly moving: boolean
  readonly movingAsArgument: boolean
}

/**
 * Reads an env file as a POSIX shell does with `set -a; . ./file`: a list of assignments, also behind `export`. Undefined when
 * the file holds more shell than that, a syntax error, a byte order mark or CRLF line ends (which a shell takes for parts of
 * names and values).
 * Facts: POSIX.1-2024, Shell Command Language, 2.2 Quoting, 2.3 Token Recognition, 2.9.1 Simple Commands.
 */
export function readSh(text: string): Readings | undefined {
  if (text.startsWith('\ufeff')) return undefined
  const readings = new Map<string, string | null>()
  const lexer = new Lexer(text)
  for (;;) {
    const command = lexer.command()
    if (command === 'end') return readings
    if (command === 'broken' || !run(command, readings)) return undefined
  }
}

function run(words: readonly Word[], readings: Map<string, string | null>): boolean {
  const at = words.findIndex((word) => word.name === undefined)
  const [command, ...args] = at === -1 ? [] : words.slice(at)
  if (command === undefined) {
    for (const word of words) assign(readings, word, word.moving)
    return true
  }
  if (command.moving || LANGUAGE.has(command.text)) return false
  if (!['export', 'readonly', 'unset'].includes(command.text)) return true
  // A wrong name ends a shell that reads the file.
  const isName = (word: Word): boolean => /^[A-Za-z_]\w*$/.test(word.text) && !word.moving
  if (at > 0 || !args.every((word) => (word.name === undefined ? isName(word) : command.text !== 'unset'))) return false
  if (command.text === 'unset') for (const word of args) readings.delete(word.text)
  for (const word of args) assign(readings, word, word.moving || word.movingAsArgument)
  return true
}

function assign(readings: Map<string, string | null>, word: Word, moving: boolean): void {
  if (word.name !== undefined) readings.set(word.name, moving ? null : word.text)
}

class Lexer {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The words up to the end of a line or a semicolon. */
  command(): readonly Word[] | 'end' | 'broken' {
    const words: Word[] = []
    if (this.#at >= this.#text.length) return 'end'
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === ';' && words.length === 0) return 'broken'
      if (character === '' || character === ';') {
        this.#at += 1
        return words
      }
      if (character === '\n') {
        if (this.#text.charAt(this.#at - 1) === '\r') return 'broken'
        this.#at += 1
        return words
      }
      if (OPERATOR.test(character)) return 'broken'
      if (character === ' ' || character === '\t') this.#at += 1
      else if (character === '\\' && this.#text.charAt(this.#at + 1) === '\n') this.#at += 2
      else if (character === '#') this.#skipComment()
      else {
        const word = this.#word()
        if (word === undefined) return 'broken'
        words.push(word)
      }
    }
  }

  #skipComment(): void {
    const end = this.#text.indexOf('\n', this.#at)
    this.#at = end === -1 ? this.#text.length : end
  }

  #word(): Word | undefined {
    NAME.lastIndex = this.#at
    const name = NAME.exec(this.#text)?.[1]
    if (name !== undefined) this.#at += name.length + 1
    const begin = this.#at
    let [text, moving, movingAsArgument] = ['', false, false]
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === '' || WORD_END.test(character)) return { name, text, moving, movingAsArgument }
      this.#at += 1
      if (character === '\'') {
        const end = this.#text.indexOf('\'', this.#at)
        if (end === -1) return undefined
        text += this.#text.slice(this.#at, end)
        this.#at = end + 1
      } else if (character === '"') {
        const inner = this.#doubleQuoted()
        if (inner === undefined) return undefined
        text += inner.text
        moving ||= inner.moving
      } else if (character === '\\') {
        const next = this.#text.charAt(this.#at)
        this.#at += 1
        // Shells differ on a backslash at the very end.
        if (next === '') return undefined
        if (next !== '\n') text += next
      } else if (character === '$' || character === '`') {
        // $'...' and $"..." are quoting in some shells only.
        if (character === '$' && /['"]/.test(this.#text.charAt(this.#at))) return undefined
        const expanded = this.#expansion(character)
        if (expanded === undefined) return undefined
        moving ||= expanded
        if (!expanded) text += character
      } else {
        if (character === '~' && (this.#at - 1 === begin || this.#text.charAt(this.#at - 2) === ':')) moving = true
        if (/[*?[{]/.test(character)) movingAsArgument = true
        text += character
      }
    }
  }

  #doubleQuoted(): { text: string; moving: boolean } | undefined {
    let [text, moving] = ['', false]
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === '') return undefined
      this.#at += 1
      if (character === '"') return { text, moving }
      if (character === '\\') {
        const next = this.#text.charAt(this.#at)
        if (/[$`"\\\n]/.test(next)) {
          this.#at += 1
          if (next !== '\n') text += next
        } else text += character
      } else if (character === '$' || character === '`') {
        const expanded = this.#expansion(character)
        if (expanded === undefined) return undefined
        moving ||= expanded
        if (!expanded) text += character
      } else text += character
    }
  }

  /** Whether what follows a dollar or a backtick is an expansion, which is then skipped. Undefined when it has no end. */
  #expansion(sign: string): boolean | undefined {
    if (sign === '`') return this.#skipTo('`')
    // A line that goes on is put together before anything is looked at.
    while (this.#text.startsWith('\\\n', this.#at)) this.#at += 2
    const next = this.#text.charAt(this.#at)
    if (next === '{') return this.#skipTo('}')
    if (next === '(') return this.#skipTo(')')
    // Arithmetic to bash, as it was before POSIX; two characters to the others.
    if (next === '[') return undefined
    return /[\w?$!#@*-]/.test(next)
  }

  /** All that counts is that the value moves. Where it ends is certain only when nothing in it is quoted, nested, a comment or an assignment. */
  #skipTo(end: string): boolean | undefined {
    const at = this.#text.indexOf(end, this.#at)
    if (at === -1 || /['"`\\#\n$({=]/.test(this.#text.slice(this.#at, at).replace(/^[({]/, ''))) return undefined
    this.#at = at + 1
    return true
  }
}
