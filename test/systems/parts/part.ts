/** A program that npm cannot bring, in one version. */
export interface Part {
  /** As messages name it: `docker compose 5.5.1`. */
  readonly title: string
  /**
   * Brings it, or finds it where it was brought before, and answers the path of what is started. May be repeated. Throws
   * {@link Missing} where it is not to be had.
   */
  bring(): Promise<string>
}

/** A part is not to be had on this machine; the message says why, and what would help. */
export class Missing extends Error {}
