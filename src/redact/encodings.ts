/** What stays as it is in a percent-encoding. */
const PERCENT_KEEPS: readonly RegExp[] = [
  // RFC 3986 2.3, as most libraries encode a component
  /[\w.~-]/,
  // encodeURIComponent (ECMA-262 19.2.6.4)
  /[\w.~!'()*-]/,
  // encodeURI
  /[\w.~!'()*;/?:@&=+$,#-]/,
  // URL's own setters for user and password (url.spec.whatwg.org, userinfo percent-encode set)
  /[\w.~!$&'()*+,%-]/,
  // Go's net/url: user and password, and a segment of a path
  /[\w.~$&+,;=-]/,
  /[\w.~$&+:=@-]/,
  // Python's urllib.parse.quote
  /[\w.~/-]/,
  // application/x-www-form-urlencoded (url.spec.whatwg.org)
  /[\w.*-]/,
  // every character but letters and digits, and every character
  /[A-Za-z0-9]/,
  /(?!)/,
]

const WRAPPED_AT = [64, 76]
const SHORTEST_WRAPPED = 16

/**
 * Every text under which a value of this many characters and more is known: raw, with CRLF, as a JSON string (plain, ASCII only,
 * safe for HTML, with escaped slashes, JSON in JSON), quoted for a shell, for SQL, for Python and JavaScript, percent-encoded, in
 * a form, in hex, in base64 and base64url wherever it lies in what is encoded, and base64 wrapped at 64 and 76 characters. Pure.
 */
export function encodings(value: string): ReadonlySet<string> {
  const text = value.toWellFormed()
  const bytes = Buffer.from(text, 'utf8')
  const hex = bytes.toString('hex')
  const all = new Set([
    value,
    text.replaceAll(/\r?\n/g, '\r\n'),
    text.replaceAll('\'', '\'\''),
    ...jsonForms(text),
    ...shellForms(text),
    ...percentForms(text),
    hex,
    hex.toUpperCase(),
    ...base64Forms(bytes),
  ])
  all.delete('')
  return all
}

function jsonForms(text: string): readonly string[] {
  const json = inner(text)
  const unicode = (from: string, which: RegExp): readonly string[] => {
    const lower = from.replaceAll(which, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    return [lower, lower.replaceAll(/\\u[\da-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`)]
  }
  const single = json.replaceAll('\\"', '"')
  return [
    json,
    inner(json),
    json.replaceAll('/', '\\/'),
    ...unicode(json, /[\u007f-\uffff]/g),
    ...unicode(json, /[<>&\u2028\u2029]/g),
    ...unicode(json, /[<>&'+=\u007f-\uffff]/g),
    single,
    single.replaceAll('\'', '\\\''),
  ]
}

function inner(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function shellForms(text: string): readonly string[] {
  const escape = (which: RegExp): string => text.replaceAll(which, (character) => `\\${character}`)
  return [
    text.replaceAll('\'', '\'\\\'\''),
    text.replaceAll('\'', '\'"\'"\''),
    escape(/[\\"$`]/g),
    escape(/[\\"$`!]/g),
    escape(/[^\w@%+=:,./\-\u0080-\uffff]/g),
    escape(/[^\w@%+=:./\-\u0080-\uffff]/g),
    escape(/[^\w\u0080-\uffff]/g),
  ]
}

function percentForms(text: string): readonly string[] {
  return PERCENT_KEEPS.flatMap((keeps) => {
    const upper = [...text].map((character) => (keeps.test(character) ? character : percent(character)))
    const all = [upper.join(''), upper.map((part) => (part === '%20' ? '+' : part)).join('')]
    return [...all, ...all.map((form) => form.replaceAll(/%[\dA-F]{2}/g, (byte) => byte.toLowerCase()))]
  })
}

function percent(character: string): string {
  return Buffer.from(character, 'utf8').toString('hex').toUpperCase().replaceAll(/../g, '%$&')
}

/**
 * What base64 makes of the bytes at each of the three places where they can lie in a group. Characters that hold bits of a
 * neighbour are left out, so the rest is the same whatever stands before and behind.
 */
function base64Forms(bytes: Buffer): readonly string[] {
  const inside = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
  })
  const whole = bytes.toString('base64')
  const wrapped = WRAPPED_AT.filter((width) => whole.length > width).flatMap(
    (width) => whole.match(new RegExp(`.{1,${width}}`, 'g')) ?? [],
  )
  const all = [...inside, ...wrapped.filter((line) => line.length >= SHORTEST_WRAPPED)]
  return [...all, ...all.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))]
}
