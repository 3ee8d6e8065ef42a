import { type Code, CODES } from '../kit/index.ts'

/** As much of what keyturn says of a failure as a notice has room for. */
const LONGEST = 300

/** What a failure is, in words: those of its code, and `about`, which is keyturn's own (names, never values), on one line. */
export function failureText(code: Code, about = ''): string {
  const { says } = CODES[code]
  // What a person wrote as a reason is theirs, not ours: it stays in the journal.
  const more = code === 'DECLINED' ? '' : oneLine(about)
  return more === '' ? says : `${says}: ${more}`
}

/** A text on one line and without control characters, so that no receiver reads more into it. */
export function oneLine(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST - 1)}…` : plain
}
