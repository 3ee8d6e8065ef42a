import { referencePattern, referencesOf } from '../manifest/reference.ts'

const reference = new RegExp(referencePattern, 'g')
const field = /\{[A-Za-z_][\w-]*\}/g
const held = '\0'
const privateKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|AGE-SECRET-KEY-1/
const providerToken =
  /\b(gh[pousr]_\w{30,}|github_pat_\w{30,}|sk-[\w-]{20,}|AKIA[0-9A-Z]{16}\b|xox[abprs]-[\w-]{10,}|glpat-[\w-]{15,})/
const urlPassword = /:\/\/[^\s:/@?#]*:([^\s/?#]+)@/
const passwordWord = /(?:\b|_)(?:password|passwd|pwd|token|secret|api[_-]?key|access[_-]?key)=([^\s&;'"]+)/i

/**
 * What kind of secret the text shows, for a message; undefined when it shows none. References and template fields are no
 * secrets, but the name of a reference may show one, as the argument of a command does. Looks only for what is certain by its form,
 * so that it may look at every text of a manifest.
 */
export function literalSecret(text: string): string | undefined {
  const bare = text.replaceAll(reference, held).replaceAll(field, held)
  if (privateKey.test(bare)) return 'a private key'
  if (providerToken.test(bare)) return 'a token'
  if (isLiteral(urlPassword.exec(bare)?.[1])) return 'a URL with a password'
  if (isLiteral(passwordWord.exec(bare)?.[1])) return 'a password'
  return referencesOf(text).map(({ name }) => literalSecret(name)).find((kind) => kind !== undefined)
}

function isLiteral(part: string | undefined): boolean {
  return part !== undefined && !part.startsWith(held)
}
