import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Format } from './format.ts'

/** Between which lines each part stands, and what it has to be. https://docs.nats.io/using-nats/developer/connecting/creds */
const PARTS = new Map([
  ['jwt', { title: 'NATS USER JWT', fits: /^[\w-]+\.[\w-]+\.[\w-]+$/ }],
  ['seed', { title: 'USER NKEY SEED', fits: /^SU[A-Z2-7]{56}$/ }],
])

/** The `.creds` file of a NATS user: its JWT and the seed of its key, one line each. The lines around them stay. */
export const credsFormat: Format = {
  keys: '`jwt` or `seed`',
  fixed: true,

  place: (key) => (PARTS.has(key) ? key : undefined),

  read: (bytes, keys) => {
    const values = new Map<string, string>()
    // Both have to be there, whichever is asked for: clients take the first block for the JWT and the second for the seed.
    for (const key of PARTS.keys()) {
      const found = find(bytes, key)
      if (found.is !== 'done') return found
      const { text, start, end } = found.value
      if (keys.includes(key) && end > start) values.set(key, text.slice(start, end))
    }
    return done(values)
  },

  put: (bytes, key, value) => {
    const found = find(bytes, key)
    if (found.is !== 'done') return found
    const { text, start, end } = found.value
    return done(Buffer.from(text.slice(0, start) + (value ?? '') + text.slice(end), 'latin1'))
  },

  misread: (key, value) => (PARTS.get(key)?.fits.test(value) === true ? undefined : `it is no ${PARTS.get(key)?.title ?? 'part'}`),
}

/** Where the line of this part is. The text has one character per byte (latin1), so bytes that are no UTF-8 survive. */
function find(bytes: Buffer, key: string): Answer<{ readonly text: string; readonly start: number; readonly end: number }> {
  const text = bytes.toString('latin1')
  const title = PARTS.get(key)?.title ?? ''
  const all = [...text.matchAll(new RegExp(`^(-{3,}BEGIN ${title}-{3,}[ \\t]*\\r?\\n)([^\\r\\n]*)\\r?\\n-{3,}END ${title}-{3,}`, 'gm'))]
  const [match, second] = all
  if (match === undefined || second !== undefined) return refused('STORE_UNFIT', `it has ${all.length} blocks of ${title}, and a .creds file has one`)
  const start = match.index + (match[1] ?? '').length
  return done({ text, start, end: start + (match[2] ?? '').length })
}
