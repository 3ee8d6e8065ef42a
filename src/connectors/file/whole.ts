import { type Answer, done, refused } from '../../kit/answer.ts'
import { decodeUtf8, type Format, noText } from './format.ts'

const KEY = 'content'

/**
 * The whole file is one value. Unless it is meant `exact`ly, a byte order mark and one line end at the end are the file's own and
 * stay as they are; a value that begins or ends with white space is refused, for some readers trim it.
 */
export function wholeFormat(exact: boolean): Format {
  return {
    keys: `\`${KEY}\``,
    fixed: true,
    place: (key) => (key === KEY ? KEY : undefined),

    read: (bytes, keys) => {
      const parts = split(bytes, exact)
      if (parts.is !== 'done') return parts
      const { value } = parts.value
      const why = misread(value)
      if (why !== undefined) return refused('VALUE_UNREADABLE', `${KEY}: ${why}`)
      return done(new Map(value === '' || !keys.includes(KEY) ? [] : [[KEY, value]]))
    },

    put: (bytes, _key, value) => {
      const parts = split(bytes, exact)
      if (parts.is !== 'done') return parts
      return done(Buffer.from(parts.value.head + (value ?? '') + parts.value.tail))
    },

    misread: (_key, value) => misread(value),
  }

  function misread(value: string): string | undefined {
    if (exact) return value.isWellFormed() ? undefined : noText(value)
    if (/^\s|\s$/.test(value)) return 'it begins or ends with white space, which some readers trim; `exact: true` keeps it'
    return noText(value)
  }
}

function split(bytes: Buffer, exact: boolean): Answer<{ readonly head: string; readonly value: string; readonly tail: string }> {
  const text = decodeUtf8(bytes)
  if (text === undefined) return refused('STORE_UNFIT', 'it is no UTF-8 text')
  if (exact) return done({ head: '', value: text, tail: '' })
  const head = text.startsWith('\ufeff') ? '\ufeff' : ''
  const tail = /(?:\r?\n)?$/.exec(text)?.[0] ?? ''
  return done({ head, value: text.slice(head.length, text.length - tail.length), tail })
}
