import type { Ms, Pace } from '../kit/index.ts'

/** The old credential is the one in use when the rotation began; the new one is what it ends with. */
export type Which = 'new' | 'old'

/**
 * What has to have been begun on the way forward for a step to be needed. `known`: the new credential is known, so that it can be
 * ended and proven dead; `lost`: a mint got no answer, and may have made something; `shown`: a store shows it, though perhaps only for
 * acceptors.
 */
export type Needed = 'minted' | 'known' | 'shown' | 'presented' | 'ended' | 'lost'

/** What a wait is for. `late`: what a superseded rotation left under way may still land for so long. `cache`: verifiers may keep the keys that they have fetched for so long. */
export type Why = 'grace' | 'undo' | 'pause' | 'cache' | 'late'

/** The three phases of every rotation, and what frames them. */
export type Phase = 'preflight' | 'accept' | 'present' | 'forget' | 'close'

/** What stores show: the credential that is presented, and beside it the other one while both are accepted. */
export interface Shown {
  readonly which: Which
  readonly beside?: Which
}

/** What a step does. Those with `effect: true` change the outside: an intent is on disk before, and an outcome after. */
export type Action =
  | { readonly do: 'preflight' }
  | { readonly do: 'mint'; readonly which: Which; readonly effect: true }
  /** Takes the credential that the provider's own rotation brought. */
  | { readonly do: 'collect'; readonly which: 'new' }
  | { readonly do: 'probe'; readonly which: Which }
  | ({ readonly do: 'publish'; readonly store: number; readonly effect: true } & Shown)
  | ({ readonly do: 'reload'; readonly wave: number; readonly consumer: number; readonly effect: true; readonly pace?: Pace } & Shown)
  | ({ readonly do: 'attest'; readonly wave: number; readonly consumer: number } & Shown)
  | { readonly do: 'check'; readonly list: 'secret' | 'postflight'; readonly index: number; readonly which: Which }
  | { readonly do: 'wait'; readonly why: Why; readonly for: Ms }
  | { readonly do: 'watch'; readonly which: Which; readonly for: Ms; readonly every: Ms }
  | { readonly do: 'gate'; readonly keeps: Which; readonly beside?: Which; readonly ends: Which; readonly to: 'off' | 'gone' }
  | { readonly do: 'set'; readonly which: Which; readonly to: 'on' | 'off' | 'gone'; readonly effect: true }
  /** Without `accepted` there is nothing yet that could be: an emergency forgets first. */
  | { readonly do: 'prove'; readonly accepted?: Which; readonly rejected: Which }
  /** Ends every live credential but the new one, as far as each can be ended and without a wait: see `Plan.emergency`. */
  | { readonly do: 'forget'; readonly effect: true }
  /** Ends what lost mints of this rotation left at the provider. */
  | { readonly do: 'reclaim'; readonly effect: true }
  | { readonly do: 'sweep' }
  | { readonly do: 'receipt' }

/** One step of a plan. Its id is unique in the plan, stable over versions of keyturn, and names it in the journal. */
export type Step = Action & {
  readonly id: string
  readonly phase: Phase
  /** One attempt at it may take this long. */
  readonly deadline: Ms
  /** Skipped unless this was begun on the way forward. */
  readonly needs?: Needed
}

/** Whether the step changes the outside. */
export function isEffect(step: Step): boolean {
  return 'effect' in step
}
