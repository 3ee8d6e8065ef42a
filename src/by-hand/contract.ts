import type { CredentialState, Pace } from '../kit/index.ts'

/**
 * One thing that a person does in place of keyturn. It is made from the manifest alone and holds no value: where one belongs, the name
 * of a variable of the shell stands, and none of them reaches a command line of a process or the history of the shell.
 */
export interface Instruction {
  /** What is done and why, in a sentence or two of Markdown. */
  readonly says: string
  /** For bash, all instructions in one and the same; absent when it is not done in a shell. */
  readonly run?: string
  /** The last line that the commands print when all is well, exactly; absent when there is nothing to compare. */
  readonly prints?: string
}

/** What the person brings, since a runbook cannot hold it. */
export interface Asked {
  /** The variable that it is put into. */
  readonly variable: string
  /** What it is, for the prompt; one line. */
  readonly says: string
}

/** Which of the two credentials: the fields of the one in use are in variables that begin with `OLD_`, those of the other with `NEW_`. */
export type Age = 'OLD' | 'NEW'

/** A key of a store, and the variable with what stands under it or is to. */
export interface Entry {
  readonly key: string
  readonly variable: string
}

interface Needs {
  /** Programs that are called, beside those of POSIX. */
  readonly tools?: readonly string[]
  readonly asks?: readonly Asked[]
  /** Defines functions that the other instructions call; it may be run again, after a shell was closed. */
  readonly prepare?: string
}

/** What an issuer does, by hand. What is absent a person has to find on the provider's pages. */
export interface IssuerByHand extends Needs {
  /** Before anything is changed: what must hold. */
  readonly look?: readonly Instruction[]
  /** Puts the fields of the new credential that are known before it is made into their `NEW_` variables; the `OLD_` ones are there. */
  readonly propose?: Instruction
  /** Makes the credential accepted; of a value that the provider makes, asks for its fields. */
  mint?(which: Age): readonly Instruction[]
  /** A fresh login at every endpoint; prints the verdict that is given, once, when all of them gave it. */
  probe?(which: Age, verdict: 'accepted' | 'rejected'): Instruction
  /** Counts who uses it now; prints 0 when nobody does. */
  uses?(which: Age): Instruction
  set?(which: Age, to: CredentialState): readonly Instruction[]
}

/** What a store does, by hand. */
export interface StoreByHand extends Needs {
  /** Puts what stands there into the variables. */
  read(entries: readonly Entry[]): Instruction
  /**
   * Puts the variables there, takes the absent keys away, and leaves the rest as it is; reads it again, and prints `written`. What reads as
   * nothing counts as absent.
   */
  write(entries: readonly Entry[], absent: readonly string[]): Instruction
}

/** What a consumer does, by hand. */
export interface ConsumerByHand extends Needs {
  reload(pace: Pace): readonly Instruction[]
  /** Whether every instance holds these values now; prints `held` when all do. Absent when only a look at the issuer can tell. */
  attest?(entries: readonly Entry[]): Instruction
}

/** What a check does, by hand. */
export interface CheckByHand extends Needs {
  /** A command of the shell, perhaps a compound one, that succeeds when the check passes, and prints nothing. */
  passes(as: Age | undefined, fields: readonly string[]): string
}

/**
 * What a connector says of the ways by hand, in its `by-hand.ts`, as the default export. Pure: from the configuration that its schema
 * describes. A family that is absent, or that answers undefined, gets a line that names the provider's own pages.
 */
export interface ByHand {
  readonly issuer?: (config: never) => IssuerByHand | undefined
  readonly store?: (config: never) => StoreByHand | undefined
  readonly consumer?: (config: never) => ConsumerByHand | undefined
  readonly check?: (config: never) => CheckByHand | undefined
}

/** The ways by hand of all connectors that have some, by id: generated beside the registry, passed to what needs it. */
export type ByHandRegistry = Readonly<Record<string, () => Promise<{ readonly default: ByHand }>>>
