import { StringDecoder } from 'node:string_decoder'

/** Of a longer line only the beginning is looked at, in characters: patterns begin there. */
const LONGEST = 16 * 1024
const ESCAPES = new RegExp(String.raw`${String.fromCharCode(27)}\[[\d;]*[A-Za-z]`, 'g')

/** Cuts bytes into lines, without their ends and without the colours of terminals. Nothing of them is kept. */
export class Lines {
  readonly #each: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #pending = ''

  constructor(each: (line: string) => void) {
    this.#each = each
  }

  push(chunk: Buffer): void {
    const pieces = this.#decoder.write(chunk).split('\n')
    const last = pieces.pop() ?? ''
    for (const piece of pieces) {
      this.#say(this.#pending + piece)
      this.#pending = ''
    }
    this.#pending += last.slice(0, LONGEST - this.#pending.length)
  }

  /** What is left is a line too, though it has no end yet. */
  end(): void {
    if (this.#pending !== '') this.#say(this.#pending)
    this.#pending = ''
  }

  #say(line: string): void {
    const bare = line.includes('\u001b') ? line.replaceAll(ESCAPES, '') : line
    this.#each(bare.slice(0, LONGEST).replace(/\r$/, ''))
  }
}
