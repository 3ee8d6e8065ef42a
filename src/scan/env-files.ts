import { basename } from 'node:path'
import type { Environment } from '../manifest/model.ts'
import { isExample } from '../outside/file/index.ts'
import type { EnvFile, Page, Sighting, Unread } from './findings.ts'
import { type Login, readLogin } from './login.ts'
import type { Tracer } from './trace.ts'

const ENVIRONMENTS: Readonly<Record<string, Environment>> = {
  production: 'production', prod: 'production', live: 'production',
  staging: 'staging', stage: 'staging', stg: 'staging', preprod: 'staging', uat: 'staging',
  development: 'development', dev: 'development', test: 'development', testing: 'development', ci: 'development', e2e: 'development',
}

/** Whether a file is an env file by its name: `.env`, `.env.production`, `api.env`. */
export function isEnvFile(path: string): boolean {
  return /^\.env(?:[.-].+)?$|.\.env$/.test(basename(path)) && !/\.[cm]?[jt]s$/.test(path)
}

const exampleWord = /(?:^|[._-])(?:example|sample|template|dist|defaults?)(?:[._-]|$)/i

/** What the name of an env file says about it. */
export function describeEnvFile(file: string): EnvFile {
  const words = basename(file).toLowerCase().split(/[._-]/)
  const environment = words.map((word) => ENVIRONMENTS[word]).find((each) => each !== undefined)
  return { file, ...(environment === undefined ? {} : { environment }), example: isExample(file) || exampleWord.test(basename(file)) }
}

const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)(?:[ \t]*=|:(?=[ \t]))[ \t]*(.*)$/
const opensQuote = /^(["'`])/

/**
 * Reads the keys of an env file, each with the place where it stands last: that is the one which counts. A line that cannot be
 * read is reported without its text; so is one whose key looks like a piece of a value. Pure.
 */
export function scanEnvFile(file: string, text: string, trace: Tracer): Page & { readonly sightings: readonly Sighting[]; readonly unread: readonly Unread[] } {
  const sightings = new Map<string, Sighting>()
  const logins = new Map<string, Login>()
  const unread: Unread[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const seen = { file, line: at + 1 }
    if (/^\s*(?:#|$)/.test(line)) continue
    const [, key, written] = assignment.exec(line) ?? []
    if (key === undefined || written === undefined || isPieceOfValue(key)) {
      const end = line.includes('-----BEGIN ') ? lines.findIndex((each, index) => index > at && each.includes('-----END ')) : -1
      unread.push({ ...seen, why: 'this is no line of an env file' })
      at = Math.max(at, end)
      continue
    }
    const { value, more } = valueAt(lines, at, written)
    sightings.set(key, { key, seen, holder: { is: 'env-file' }, trace: trace(key, value) })
    const login = readLogin(value, seen, file)
    if (login === undefined) logins.delete(key)
    else logins.set(key, login)
    at += more
  }
  return { sightings: [...sightings.values()], logins: [...logins.values()], unread }
}

/** The value that begins in this line, and how many more lines it takes. */
function valueAt(lines: readonly string[], at: number, written: string): { readonly value: string; readonly more: number } {
  const quote = opensQuote.exec(written)?.[1]
  if (quote !== undefined) {
    for (let more = 0; at + more < lines.length; more += 1) {
      const whole = [written.slice(1), ...lines.slice(at + 1, at + 1 + more)].join('\n')
      const end = endOfQuote(whole, quote)
      if (end !== undefined) return { value: whole.slice(0, end), more }
      // A quote that is never closed is a character like others, and a value of a thousand lines is none.
      if (more > 1_000) break
    }
  }
  // Without quotes a key in PEM form goes on over lines that are none of an env file.
  if (written.includes('-----BEGIN ') && !written.includes('-----END ')) {
    const end = lines.findIndex((line, index) => index > at && line.includes('-----END '))
    if (end > 0) return { value: lines.slice(at, end + 1).join('\n'), more: end - at }
  }
  return { value: written.replace(/(?:^|[ \t]+)#.*$/, '').trimEnd(), more: 0 }
}

function endOfQuote(text: string, quote: string): number | undefined {
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\' && quote === '"') at += 1
    else if (text[at] === quote) return at
  }
  return undefined
}

/** Names are words; a line of base64 or hex that ends in `=` looks like a key, and must not be repeated. */
function isPieceOfValue(key: string): boolean {
  if (key.length > 80) return true
  if (key.length < 16 || /[_.-]/.test(key)) return false
  const mixed = /[a-z]/.test(key) && /[A-Z]/.test(key) && /\d/.test(key)
  return mixed || /^[0-9a-f]+$/i.test(key) || (/\d/.test(key) && key.length >= 20) || key.length >= 32
}
