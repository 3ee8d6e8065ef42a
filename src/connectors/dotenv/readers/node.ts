import type { Readings } from './reading.ts'

const quoted = (quote: string): string => String.raw`\s*${quote}(?:\\${quote}|[^${quote}])*${quote}`
const NAME = String.raw`^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)`
const VALUE = [quoted('\''), quoted('"'), quoted('`'), String.raw`[^#\r\n]+`].join('|')
const LINE = String.raw`${NAME}(${VALUE})?\s*(?:#.*)?$`

/**
 * Reads an env file as the npm package dotenv does. It takes what it can and skips the rest, so no file is refused; it knows no
 * references. Facts: motdotla/dotenv, lib/main.js (`parse`), version 17.
 */
export function readNode(text: string): Readings {
  const readings = new Map<string, string | null>()
  for (const [, key, raw] of text.replaceAll(/\r\n?/g, '\n').matchAll(new RegExp(LINE, 'gm'))) {
    if (key === undefined) continue
    const trimmed = (raw ?? '').trim()
    const bare = trimmed.replaceAll(/^(['"`])([\s\S]*)\1$/gm, '$2')
    readings.set(key, trimmed.startsWith('"') ? bare.replaceAll(String.raw`\n`, '\n').replaceAll(String.raw`\r`, '\r') : bare)
  }
  return readings
}
