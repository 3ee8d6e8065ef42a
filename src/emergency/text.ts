import { KeyturnError, type Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'

/** What a person may write at once. */
const LONGEST = 2_000

/**
 * What a person says of an incident, to be kept for ever: not empty, not endless, one line, and without one of these values in any
 * encoding. Throws USAGE, which does not repeat it.
 */
export function saidText(option: string, text: string | undefined, values: readonly Secret[]): string {
  const said = (text ?? '').replaceAll(/\s+/g, ' ').trim()
  if (said === '') throw new KeyturnError('USAGE', `${option} is needed`, { hint: 'Say it in a sentence; the journal and the incident keep it.' })
  if (said.length > LONGEST || /\p{Cc}/u.test(said)) throw new KeyturnError('USAGE', `${option} is one text of at most ${LONGEST} characters`, { hint: 'Write the rest down where your team keeps such things, and say where.' })
  const redactor = new Redactor()
  for (const value of values) redactor.conceal(value)
  if (redactor.holds(said) || redactor.holds(decoded(said))) throw new KeyturnError('USAGE', `${option} holds the value of a secret`, { hint: 'Say it without the value: what is written down here is kept, and read by many.' })
  return said
}

/** Where it leaked, as far as it may be kept: without login, query and fragment, which may carry the value. Throws USAGE for what is no URL. */
export function leakUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || url.host === '') throw new KeyturnError('USAGE', '--leak takes a URL', { hint: 'Write https://..., or say it in --reason.' })
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
