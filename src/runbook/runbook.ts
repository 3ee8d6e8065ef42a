import type { Instruction } from '../by-hand/index.ts'

/** One numbered step of the text. Numbers go through the whole text, so that one names a step. */
export interface RunbookStep {
  readonly number: number
  readonly title: string
  /** The step of the plan that it stands for; absent for what only a person needs, such as opening a shell. */
  readonly step?: string
  /** What has to have happened for it to be needed; absent when it always is. */
  readonly onlyIf?: string
  readonly instructions: readonly Instruction[]
}

/** A row of a table: what it is about, and what is to be said of it. */
export type Fact = readonly [name: string, text: string]

/** How one secret is rotated by hand, as data; without a value in it. What `--json` prints. */
export interface Runbook {
  readonly secret: string
  readonly system: string
  readonly environment: string
  readonly facts: readonly Fact[]
  /** Store, key, what stands under it. */
  readonly stores: readonly (readonly [store: string, key: string, holds: string])[]
  /** In the order in which they are reloaded. */
  readonly consumers: readonly Fact[]
  readonly checks: readonly Fact[]
  /** Whom to tell, and when. */
  readonly tell: readonly string[]
  readonly tools: readonly string[]
  /** What the person brings. */
  readonly asks: readonly string[]
  readonly begin: readonly RunbookStep[]
  readonly forward: readonly RunbookStep[]
  readonly back: readonly RunbookStep[]
  /** For whoever has lost the variables of the shell. */
  readonly resume: readonly Instruction[]
  readonly noReturn: string
  readonly failures: readonly Fact[]
  readonly afterwards: readonly string[]
  /** The providers' own pages. */
  readonly links: readonly string[]
}
