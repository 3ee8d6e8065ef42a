import { randomBytes } from 'node:crypto'
import { ALNUM, type Draw, generate } from '../../kit/generate.ts'
import { bytesOf, type IssuerConfig } from './manifest.ts'

const DEFAULT_BYTES = 32
const DEFAULT_ALNUM = 43

/** Where chance comes from; the operating system's source, except in tests. */
export interface Chance {
  readonly bytes: (count: number) => Buffer
  readonly draw?: Draw
}

/** A fresh value as the configuration wants it, always on one line. */
export function makeValue({ format, bytes, length }: IssuerConfig, chance: Chance = { bytes: randomBytes }): string {
  if (format === 'alnum') return generate(ALNUM, length ?? DEFAULT_ALNUM, chance.draw)
  if (format === 'uuid') return uuid(chance.bytes(16))
  const count = bytes ?? (length === undefined ? DEFAULT_BYTES : bytesOf(format, length))
  if (count === undefined) throw new RangeError('length')
  return chance.bytes(count).toString(format)
}

/** RFC 9562, version 4: six bits are fixed. */
function uuid(bytes: Buffer): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
