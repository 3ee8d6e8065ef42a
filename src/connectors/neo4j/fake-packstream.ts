/** A structure of PackStream: a message, as far as the fake knows any. */
export interface Structure {
  readonly tag: number
  readonly fields: readonly Packed[]
}

/** What PackStream carries, as far as messages of administration have it. https://neo4j.com/docs/bolt/current/packstream/ */
export type Packed = null | boolean | number | string | readonly Packed[] | { readonly [key: string]: Packed } | Structure

/** A structure with these fields. */
export function structure(tag: number, ...fields: readonly Packed[]): Structure {
  return { tag, fields }
}

function isStructure(value: object): value is Structure {
  return 'tag' in value && 'fields' in value && typeof value.tag === 'number'
}

/** The bytes of a value. Throws for what a fake has no need of: fractions, and lists and texts of 64 KiB. */
export function pack(value: Packed): Buffer {
  if (value === null) return Buffer.from([0xc0])
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2])
  if (typeof value === 'number') return integer(value)
  if (typeof value === 'string') return Buffer.concat([sized(Buffer.byteLength(value), 0x80, 0xd0), Buffer.from(value)])
  if (Array.isArray(value)) return Buffer.concat([sized(value.length, 0x90, 0xd4), ...value.map(pack)])
  if (isStructure(value)) return Buffer.concat([Buffer.from([0xb0 + value.fields.length, value.tag]), ...value.fields.map(pack)])
  const entries = Object.entries(value)
  return Buffer.concat([sized(entries.length, 0xa0, 0xd8), ...entries.flatMap(([key, one]) => [pack(key), pack(one)])])
}

function integer(value: number): Buffer {
  if (!Number.isSafeInteger(value)) throw new RangeError('a whole number')
  if (value >= -16 && value < 128) return Buffer.from([value & 0xff])
  const bytes = Buffer.alloc(9, 0xcb)
  bytes.writeBigInt64BE(BigInt(value), 1)
  return bytes
}

/** How long something is: in four bits with its kind, or in one or two bytes after it. */
function sized(size: number, tiny: number, kind: number): Buffer {
  if (size < 16) return Buffer.from([tiny + size])
  if (size < 256) return Buffer.from([kind, size])
  if (size < 65_536) return Buffer.from([kind + 1, size >> 8, size & 0xff])
  throw new RangeError('too long for a fake')
}

/** Reads one value. Throws where the bytes are none that a driver sends to a fake. */
export function unpack(bytes: Buffer): Packed {
  return new Reader(bytes).value()
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  value(): Packed {
    const mark = this.#number(1)
    if (mark < 0x80) return mark
    if (mark >= 0xf0) return mark - 256
    if (mark === 0xc0) return null
    if (mark === 0xc2 || mark === 0xc3) return mark === 0xc3
    if (mark >= 0xc8 && mark <= 0xca) return this.#signed(2 ** (mark - 0xc8))
    if (mark === 0xcb) return Number(this.#take(8).readBigInt64BE())
    const [high, low] = [mark & 0xf0, mark & 0x0f]
    if (high === 0x80) return this.#take(low).toString('utf8')
    if (high === 0x90) return this.#list(low)
    if (high === 0xa0) return this.#map(low)
    if (high === 0xb0) return { tag: this.#number(1), fields: this.#list(low) }
    const size = this.#number(2 ** (low % 4))
    if (mark >= 0xd0 && mark <= 0xd2) return this.#take(size).toString('utf8')
    if (mark >= 0xd4 && mark <= 0xd6) return this.#list(size)
    if (mark >= 0xd8 && mark <= 0xda) return this.#map(size)
    throw new RangeError('not in the PackStream of a fake')
  }

  #take(size: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + size)
    if (taken.length < size) throw new RangeError('cut short')
    this.#at += size
    return taken
  }

  #number(size: number): number {
    return this.#take(size).readUIntBE(0, size)
  }

  #signed(size: number): number {
    return this.#take(size).readIntBE(0, size)
  }

  #list(size: number): Packed[] {
    return Array.from({ length: size }, () => this.value())
  }

  #map(size: number): Record<string, Packed> {
    return Object.fromEntries(Array.from({ length: size }, () => [String(this.value()), this.value()]))
  }
}
