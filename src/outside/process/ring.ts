import { StringDecoder } from 'node:string_decoder'

/** Keeps the last characters of a stream, in memory only. */
export class Ring {
  readonly #limit: number
  readonly #decoder = new StringDecoder('utf8')
  #text = ''
  #dropped = false

  /** `limit` is in characters. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(chunk: Buffer): void {
    this.#text += this.#decoder.write(chunk)
    if (this.#text.length <= this.#limit) return
    this.#text = this.#text.slice(-this.#limit)
    this.#dropped = true
  }

  get text(): string {
    return this.#text
  }

  /** Whether `text` is everything that came. */
  get complete(): boolean {
    return !this.#dropped
  }
}
