import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../kit/generate.ts'
import { Secret } from '../kit/secret.ts'
import { Redactor } from './redact.ts'

function redactor(...values: readonly string[]): Redactor {
  const made = new Redactor()
  for (const value of values) made.conceal(new Secret(value))
  return made
}

/** Encodings as others write them, on purpose not by the code under test. */
const ENCODE: Readonly<Record<string, (value: string) => string>> = {
  raw: (value) => value,
  json: (value) => JSON.stringify({ password: value }),
  'json in json': (value) => JSON.stringify(JSON.stringify({ password: value })),
  'json in ASCII': (value) =>
    JSON.stringify(value).replaceAll(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'shell, single quotes': (value) => `'${value.split('\'').join('\'\\\'\'')}'`,
  'shell, double quotes': (value) => `"${value.replaceAll(/["\\$`]/g, '\\$&')}"`,
  'shell, backslashes': (value) => value.replaceAll(/[^\w@%+=:./-]/g, (c) => (c > '\x7f' ? c : `\\${c}`)),
  percent: (value) => encodeURIComponent(value),
  'percent, lower case': (value) => encodeURIComponent(value).replaceAll(/%../g, (byte) => byte.toLowerCase()),
  'percent, every byte': (value) => Buffer.from(value).toString('hex').replaceAll(/../g, '%$&'),
  'password of a URL': (value) => Object.assign(new URL('postgres://u:p@h/d'), { password: value }).href,
  form: (value) => new URLSearchParams({ password: value }).toString(),
  hex: (value) => Buffer.from(value).toString('hex'),
  'hex, upper case': (value) => Buffer.from(value).toString('hex').toUpperCase(),
  'base64 0': (value) => Buffer.from(value).toString('base64'),
  'base64 1': (value) => Buffer.from(`u:${value}`).toString('base64'),
  'base64 2': (value) => Buffer.from(`us:ü${value}@h`).toString('base64'),
  base64url: (value) => Buffer.from(`u:${value}`).toString('base64url'),
}

const CONTROL: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

function unescapeJson(text: string): string {
  return text.replaceAll(/\\(?:u([\da-fA-F]{4})|(.))/gs, (_all, code: string | undefined, one: string) =>
    code === undefined ? (CONTROL[one] ?? one) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** Whether somebody with the output could read the value: looks at it as it is, and undoes each encoding. */
function readable(output: string, value: string): boolean {
  const bytes = Buffer.from(value)
  const undone = [
    output,
    unescapeJson(output),
    unescapeJson(unescapeJson(output)),
    output.replaceAll('\'\\\'\'', '\''),
    output.replaceAll(/\\(["\\$`])/g, '$1'),
    output.replaceAll(/\\(.)/gs, '$1'),
    ...[output, output.replaceAll('+', ' ')].map((text) =>
      text.replaceAll(/(?:%[\da-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString()),
    ),
  ]
  if (undone.some((text) => text.includes(value)) || output.toLowerCase().includes(bytes.toString('hex'))) return true
  return (output.match(/[\w+/-]{4,}/g) ?? []).some((run) =>
    [0, 1, 2, 3].some((skip) => Buffer.from(run.slice(skip), 'base64').includes(bytes)),
  )
}

/** From six characters on, none of them half of one. */
const value = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 }),
    fc.array(fc.constantFrom(...'aB1 /+=%&?#"\'\\$`!<>;:@,~é€\t'), { minLength: 6, maxLength: 30 }).map((all) => all.join('')),
    fc.string({ unit: fc.constantFrom(...ALNUM), minLength: 6, maxLength: 64 }),
  )
  .filter((text) => text.length >= 6)
const encoding = fc.constantFrom(...Object.keys(ENCODE))

function inChunks(made: Redactor, text: string, cuts: readonly number[]): string {
  const stream = made.stream()
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  const shown = places.slice(1).map((end, at) => stream.push(text.slice(places[at] ?? 0, end)))
  return shown.join('') + stream.end()
}

describe('mask', () => {
  it('lets no value through, in any encoding (X-08, S0-02, I11)', () => {
    const property = fc.property(value, encoding, fc.string(), fc.string(), (text, how, before, after) => {
      const encoded = ENCODE[how]?.(text) ?? ''
      const made = redactor(text)
      fc.pre(!readable(before + after, text))
      const shown = made.mask(`${before} ${encoded} ${after}`)
      return !readable(shown, text) && !made.holds(shown) && made.holds(encoded)
    })
    expect(fc.check(property, { numRuns: 4000 }).counterexample).toBeNull()
  })

  it('would be seen to fail: each encoding of a value is readable without the mask', () => {
    const property = fc.property(value, encoding, (text, how) => {
      // URL leaves a percent sign as it is, so what it writes has more than one meaning.
      fc.pre(how !== 'password of a URL' || !text.includes('%'))
      return readable(ENCODE[how]?.(text) ?? '', text)
    })
    const told = fc.check(property, { numRuns: 3000 })
    expect(told.counterexample).toBeNull()
  })

  it('masks inside a URL and leaves the rest of it', () => {
    const made = redactor('p/w d+1?')
    expect(made.mask('postgres://app:p%2Fw%20d%2B1%3F@db:5432/app')).toBe('postgres://app:«secret»@db:5432/app')
    expect(made.mask('connecting to db:5432')).toBe('connecting to db:5432')
  })

  it('masks values that overlap, all of them', () => {
    expect(redactor('abcdefgh', 'efghijkl').mask('-abcdefghijkl-')).toBe('-«secret»-')
    expect(redactor('abcdefgh', 'abcdefghijkl').mask('abcdefghijkl abcdefgh')).toBe('«secret» «secret»')
  })

  it('masks a value of many lines as a whole and line by line, but not the borders of a PEM', () => {
    const [one, two] = [generate(ALNUM, 64), generate(ALNUM, 64)]
    const pem = `-----BEGIN PRIVATE KEY-----\n${one}\n${two}\n}\n-----END PRIVATE KEY-----\n`
    const made = redactor(pem)
    expect(made.mask(`> ${pem}`)).toBe('> «secret»')
    expect(made.mask(pem.replaceAll('\n', '\r\n'))).toBe('«secret»')
    expect(made.mask(`a ${two} b`)).toBe('a «secret» b')
    expect(made.mask('-----BEGIN PRIVATE KEY-----\n}\n')).toBe('-----BEGIN PRIVATE KEY-----\n}\n')
  })

  it('masks base64 that a tool wrapped', () => {
    const long = generate(ALNUM, 200)
    for (const width of [64, 76]) {
      const wrapped = Buffer.from(long).toString('base64').replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n')
      const shown = redactor(long).mask(wrapped)
      expect(shown.replaceAll('«secret»', '').trim().length).toBeLessThan(16)
    }
  })

  it('masks a short value only where it stands alone', () => {
    const made = redactor('on', '7')
    expect(made.mask('on one 7 17 7.5 x=on; season')).toBe('«secret» one «secret» 17 «secret».5 x=«secret»; season')
  })

  it('ignores an empty value', () => {
    expect(redactor('').mask('some text')).toBe('some text')
  })

  it('shows no value by its own mark', () => {
    const marks = ['a«b«c«', '▒▒▒▒▒▒›', '█'.repeat(6), 'masked']
    for (const values of [['secret'], ['«secret»'], ['secret', 'masked'], marks, ['xx»yyyyy', 'zzzzzz']]) {
      const made = redactor(...values)
      const shown = made.mask(`zzzzzz ${values.join(' ')} yyyyy xx`)
      expect(values.filter((text) => shown.includes(text))).toEqual([])
    }
  })

  it('counts the places', () => {
    const made = redactor('abcdef', 'uvwxyz')
    expect(made.find('abcdef, uvwxyz, 616263646566')).toBe(3)
    expect(made.find('abcde')).toBe(0)
    expect(made.holds('xabcdefx')).toBe(true)
  })

  it('stays fast with a thousand values and a megabyte', () => {
    const values = Array.from({ length: 1000 }, () => `postgres://app:${generate(ALNUM, 32)}@db/app`)
    const made = redactor(...values)
    const text = `postgres://app:x ${generate(ALNUM, 80)}\n`.repeat(10_000)
    const began = performance.now()
    expect(made.mask(text + values[500])).toBe(`${text}«secret»`)
    // Some 100 ms on a slow machine; one search per pattern would take minutes.
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

describe('stream', () => {
  it('shows exactly what mask shows, however it is cut (X-08)', () => {
    const line = fc.array(fc.oneof(fc.constantFrom('\n', 'V', 'E'), fc.string({ maxLength: 6 })), { maxLength: 12 })
    const lines = fc.tuple(value, value).map((two) => two.join('\n'))
    const values = fc.array(fc.oneof(value, lines, fc.string({ minLength: 1, maxLength: 5 })), { minLength: 1, maxLength: 3 })
    const property = fc.property(values, line, encoding, fc.array(fc.nat(), { maxLength: 20 }), (all, parts, how, cuts) => {
      const made = redactor(...all)
      const filled = parts.map((part, at) => {
        const text = all[at % all.length] ?? ''
        return part === 'V' ? text : part === 'E' ? (ENCODE[how]?.(text) ?? '') : part
      })
      return inChunks(made, filled.join(''), cuts) === made.mask(filled.join(''))
    })
    expect(fc.check(property, { numRuns: 3000 }).counterexample).toBeNull()
  })

  it('lets nothing through character by character, also of values that repeat and overlap', () => {
    const made = redactor('aaaaaaaa', 'aaab\naaaab', 'baaaaab')
    const text = 'aaaaaaaaaaaab\naaaabaaaaab\naaab\naaaa\naaaab\n'
    expect(inChunks(made, text, [...text].map((_all, at) => at))).toBe(made.mask(text))
  })

  it('shows a line when it is whole', () => {
    const stream = redactor('hidden-value').stream()
    expect(stream.push('one hidden')).toBe('')
    expect(stream.push('-value two\nthr')).toBe('one «secret» two\n')
    expect(stream.push('ee\n')).toBe('three\n')
    expect(stream.end()).toBe('')
  })

  it('holds back lines that may begin a value of many lines, and no others', () => {
    const stream = redactor('first line\nsecond one').stream()
    expect(stream.push('hello\nsee: first line\n')).toBe('hello\n')
    expect(stream.push('something else\n')).toBe('see: «secret»\nsomething else\n')
    expect(stream.push('first line\nsecond')).toBe('')
    expect(stream.push(' one\n')).toBe('«secret»\n')
  })

  it('keeps a bounded part of a line without an end, and lets no value through where it is cut', () => {
    const secret = generate(ALNUM, 40)
    const made = redactor(secret)
    const text = Array.from({ length: 12_000 }, (_all, at) => '.'.repeat(at % 37) + secret).join('')
    const stream = made.stream()
    let [shown, given, kept] = ['', 0, 0]
    for (let at = 0; at < text.length; at += 1009) {
      const chunk = text.slice(at, at + 1009)
      given += chunk.length
      shown += stream.push(chunk)
      kept = Math.max(kept, given - shown.replaceAll('«secret»', secret).length)
    }
    shown += stream.end()
    expect(shown).toBe(made.mask(text))
    expect(kept).toBeLessThan(70_000)
  })

  it('knows what stood before a short value where a long line is cut', () => {
    const text = 'xon '.repeat(40_000)
    const stream = redactor('on').stream()
    expect(stream.push(text) + stream.push(text) + stream.end()).toBe(text + text)
  })

  it('keeps characters whole where a long line is cut', () => {
    const stream = redactor('hidden-value').stream()
    const parts = [stream.push('😀'.repeat(50_000)), stream.push('x😀'.repeat(50_000)), stream.end()]
    expect(parts.every((part) => part.isWellFormed())).toBe(true)
    expect(parts.join('')).toBe('😀'.repeat(50_000) + 'x😀'.repeat(50_000))
  })
})
