import { ServerRefusal } from './failure.ts'

// What a server answers is looked at before it is used: another server, or another version, may answer differently.

/** A text; throws a ServerRefusal for anything else. */
export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply
  throw new ServerRefusal('ERR an answer of another type')
}

/** A list of texts. */
export function textsOf(reply: unknown): readonly string[] {
  if (Array.isArray(reply)) return reply.map(textOf)
  throw new ServerRefusal('ERR an answer of another type')
}

/** Names and texts, as CONFIG GET answers. */
export function mapOf(reply: unknown): ReadonlyMap<string, string> {
  if (typeof reply !== 'object' || reply === null || Array.isArray(reply)) throw new ServerRefusal('ERR an answer of another type')
  return new Map(Object.entries(reply).map(([key, value]) => [key, textOf(value)]))
}

/** The lines `name:value` of INFO. https://redis.io/docs/latest/commands/info/ */
export function infoOf(reply: unknown): ReadonlyMap<string, string> {
  return new Map(textOf(reply).split('\r\n').flatMap((line) => {
    const at = line.indexOf(':')
    return at < 1 || line.startsWith('#') ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
  }))
}
