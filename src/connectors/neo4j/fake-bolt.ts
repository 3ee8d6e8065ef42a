import { pack, type Packed, type Structure, structure, unpack } from './fake-packstream.ts'

/** Messages of Bolt by their tag. https://neo4j.com/docs/bolt/current/bolt/message/ */
export const MESSAGE = {
  hello: 0x01, goodbye: 0x02, reset: 0x0f, run: 0x10, discard: 0x2f, pull: 0x3f, route: 0x66, logon: 0x6a, logoff: 0x6b,
  success: 0x70, record: 0x71, ignored: 0x7e, failure: 0x7f,
} as const

/** The most that one chunk holds. */
const CHUNK = 65_535

/** A message as it crosses the connection: in chunks, with an empty one at its end. */
export function frame(message: Structure): Buffer {
  const bytes = pack(message)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const part = bytes.subarray(at, at + CHUNK)
    parts.push(Buffer.from([part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat([...parts, Buffer.alloc(2)])
}

/** An error of the server, in the words of Bolt before 5.7 and after it. */
export function failureOf(code: string, message: string): Structure {
  return structure(MESSAGE.failure, {
    code, message, neo4j_code: code, gql_status: '50N42', description: 'error: general processing exception - unexpected error', diagnostic_record: {},
  })
}

/** What a client sends, as soon as it is complete: the handshake in one or two pieces, then messages. `bytes` are as they came. */
export interface Heard {
  readonly bytes: Buffer
  /** Undefined for the handshake. */
  readonly message: Structure | undefined
}

const HANDSHAKE = 20

/**
 * Splits what a client sends. After a handshake by manifest the client names its choice in five bytes, whose first two no message begins
 * with. https://neo4j.com/docs/bolt/current/bolt/handshake/
 */
export function splitter(each: (heard: Heard) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let stage: 'handshake' | 'choice' | 'messages' = 'handshake'
  const next = (): boolean => {
    if (stage === 'handshake') return whole(HANDSHAKE, 'choice')
    if (stage === 'choice') {
      if (rest.length < 2) return false
      if (rest.readUInt16BE(0) === 0) return whole(5, 'messages')
      stage = 'messages'
    }
    const parts: Buffer[] = []
    for (let at = 0; at + 2 <= rest.length;) {
      const size = rest.readUInt16BE(at)
      if (size === 0) {
        each({ bytes: rest.subarray(0, at + 2), message: messageOf(Buffer.concat(parts)) })
        rest = rest.subarray(at + 2)
        return true
      }
      parts.push(rest.subarray(at + 2, at + 2 + size))
      at += 2 + size
    }
    return false
  }
  const whole = (size: number, then: typeof stage): boolean => {
    if (rest.length < size) return false
    each({ bytes: rest.subarray(0, size), message: undefined })
    rest = rest.subarray(size)
    stage = then
    return true
  }
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length > 0 && next());
  }
}

function messageOf(bytes: Buffer): Structure | undefined {
  // An empty one only keeps the connection alive.
  if (bytes.length === 0) return undefined
  const value = unpack(bytes)
  return typeof value === 'object' && value !== null && 'tag' in value ? (value as Structure) : undefined
}

/** A map of a message. */
export function mapOf(value: Packed | undefined): { readonly [key: string]: Packed } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('tag' in value) ? (value as { readonly [key: string]: Packed }) : {}
}
