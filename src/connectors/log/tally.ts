import type { Ms } from '../../kit/call.ts'
import { leadingTime, readTime, type Zone } from './stamp.ts'

/** How the lines of a source are read. */
export interface Reading {
  readonly prefix?: string | undefined
  readonly zone?: Zone
}

/** One run of lines that follow each other: a file, or one output of a command. */
export interface Stretch {
  /** Whether lines count before the first time is seen; when not, they may be from before. */
  readonly untimed: boolean
  /** Times before this one, unix ms, are of a clock that is wrong here, and are not used. */
  readonly notBefore?: number
}

/** Counts the lines of one source from a moment on. Holds numbers, no line. */
export class Tally {
  /** Lines that came, and of them those that begin as `prefix` says, and those that carry a time. */
  heard = 0
  fitting = 0
  timed = 0
  /** Lines from the moment on. */
  lines = 0
  /** Whether a line from before the moment was there: then nothing since it is missing. */
  reachesBack = false
  readonly #counts = new Map<string, number>()
  readonly #rules: ReadonlyMap<string, (line: string) => boolean>
  readonly #prefix: RegExp | undefined
  readonly #zone: Zone
  readonly #from: Ms

  constructor(rules: ReadonlyMap<string, (line: string) => boolean>, { prefix, zone }: Reading, from: Ms) {
    this.#rules = rules
    this.#prefix = prefix === undefined ? undefined : new RegExp(prefix, 'u')
    this.#zone = zone
    this.#from = from
  }

  /** How many lines a rule counted. */
  count(rule: string): number {
    return this.#counts.get(rule) ?? 0
  }

  /** Takes the lines of one stretch, in their order. A line without a time has that of the line before it. */
  stretch({ untimed, notBefore = -Infinity }: Stretch): (line: string) => void {
    let counts = untimed
    return (line) => {
      this.heard += 1
      const found = this.#prefix?.exec(line)
      const time = this.#timeIn(line, found)
      if (time !== undefined && time >= notBefore) {
        this.timed += 1
        counts = time >= this.#from
        this.reachesBack ||= !counts
      }
      const fits = this.#prefix === undefined || found !== null
      if (fits) this.fitting += 1
      if (!counts) return
      this.lines += 1
      if (fits) this.#add(line.slice(found?.[0].length ?? 0))
    }
  }

  /** The time that a line carries, unix ms; undefined when it carries none. */
  timeOf(line: string): Ms | undefined {
    return this.#timeIn(line, this.#prefix?.exec(line))
  }

  #timeIn(line: string, found: RegExpExecArray | null | undefined): Ms | undefined {
    const named = found?.groups?.['time']
    return named === undefined ? leadingTime(line, this.#zone) : readTime(named, this.#zone)
  }

  #add(text: string): void {
    for (const [rule, matches] of this.#rules) if (matches(text)) this.#counts.set(rule, this.count(rule) + 1)
  }
}
