/** One operation of a client: https://docs.nats.io/reference/reference-protocols/nats-protocol */
export interface Frame {
  /** The words of its line: `PUB`, the subject, and so on. */
  readonly words: readonly string[]
  /** What follows the line, of PUB and HPUB. */
  readonly payload: Buffer
  /** All of it, as it came. */
  readonly bytes: Buffer
}

/** Calls back for every operation that is complete. */
export function splitFrames(each: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const line = rest.indexOf('\r\n')
      if (line < 0) return
      const words = rest.toString('utf8', 0, line).split(/\s+/)
      const carries = words[0] === 'PUB' || words[0] === 'HPUB'
      const length = carries ? Number(words.at(-1)) : 0
      const end = line + 2 + (carries ? length + 2 : 0)
      if (rest.length < end) return
      const [bytes, payload] = [rest.subarray(0, end), rest.subarray(line + 2, line + 2 + length)]
      rest = rest.subarray(end)
      each({ words, payload, bytes })
    }
  }
}
