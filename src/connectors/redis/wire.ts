/** RESP as it goes over the wire, for the fake and the proxy. https://redis.io/docs/latest/develop/reference/protocol-spec/ */

/** An error of the server, by its text. */
export class Refusal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What a server answers; a map becomes one of RESP 3. */
export type Reply = string | number | null | Refusal | readonly Reply[] | ReadonlyMap<string, Reply>

/** The bytes of an answer. */
export function encode(reply: Reply): string {
  if (reply instanceof Refusal) return `-${reply.text}\r\n`
  if (reply === null) return '_\r\n'
  if (typeof reply === 'number') return `:${reply}\r\n`
  if (typeof reply === 'string') return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`
  if (reply instanceof Map) return `%${reply.size}\r\n${[...reply].map(([key, value]) => encode(key) + encode(value)).join('')}`
  const list = [...(reply as readonly Reply[])]
  return `*${list.length}\r\n${list.map(encode).join('')}`
}

/** Calls back for every complete command of a client: its words, and its bytes. */
export function splitCommands(each: (words: readonly string[], bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (let end = whole(rest); end !== undefined; end = whole(rest)) {
      const [command, size] = [end.words, end.size]
      const bytes = rest.subarray(0, size)
      rest = rest.subarray(size)
      each(command, bytes)
    }
  }
}

/** The first command in the bytes; undefined while it is not whole. Clients send lists of strings with their lengths. */
function whole(bytes: Buffer): { readonly words: readonly string[]; readonly size: number } | undefined {
  const words: string[] = []
  let at = 0
  const length = (): number | undefined => {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return undefined
    const count = Number(bytes.toString('latin1', at + 1, end))
    at = end + 2
    return count
  }
  const count = length()
  if (count === undefined) return undefined
  while (words.length < count) {
    const size = length()
    if (size === undefined || bytes.length < at + size + 2) return undefined
    words.push(bytes.toString('utf8', at, at + size))
    at += size + 2
  }
  return { words, size: at }
}
