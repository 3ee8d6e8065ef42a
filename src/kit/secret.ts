import { inspect } from 'node:util'

const shown = '«secret»'

/**
 * A value that must not be seen. It prints as `«secret»` wherever it is logged, joined, inspected or serialised; only
 * {@link Secret.reveal} gives the text, and only a connector's last line before the wire may call it.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The text itself. */
  reveal(): string {
    return this.#value
  }

  /** Whether both hold the same text. */
  equals(other: Secret | undefined): boolean {
    return other !== undefined && other.#value === this.#value
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}

/** The fields of a credential by name, e.g. `user` and `password`. Which of them are not secret is a trait of the issuer. */
export type Fields = Readonly<Record<string, Secret>>
