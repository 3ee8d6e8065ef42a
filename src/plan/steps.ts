import type { IssuerTraits, Ms, Pace, Strategy } from '../kit/index.ts'
import type { Timing } from '../manifest/model.ts'
import type { Action, Needed, Phase, Shown, Step, Which } from './step.ts'

/** What the steps of a plan depend on: counts, traits and times, nothing else. */
export interface Layout {
  readonly strategy: Strategy
  readonly traits: IssuerTraits
  readonly stores: number
  /** Number of consumers in each wave. */
  readonly waves: readonly number[]
  readonly checks: number
  readonly postflight: number
  readonly timing: Timing
  /** Whether a check of the secret takes a credential: where no issuer could, it tells which one is accepted. */
  readonly shows?: boolean
  /** Whether a store has keys for old and new beside the one that stays. */
  readonly names?: boolean
  /** How long each check may look again. */
  readonly within: { readonly secret: readonly Ms[]; readonly postflight: readonly Ms[] }
  /** The rotation that is taken back: the credential that it ends with was in use before. */
  readonly takesBack?: string
}

/** Reading what is there: bounded, but generous enough for a slow control plane. */
const LOOK_MS = 30_000

/** The way forward: accept, present, forget, whichever the strategy. */
export function forwardSteps(layout: Layout): Step[] {
  const steps = builder(layout)
  steps.add('preflight', 'preflight', { do: 'preflight' }, LOOK_MS)
  accept(steps, layout)
  present(steps, layout, { which: 'new', ...(layout.names === true || isDual(layout) ? { beside: 'old' } : {}) })
  if (isDual(layout)) {
    forgetKey(steps, layout, 'new', 'old')
  } else if (overlaps(layout)) {
    if (layout.timing.grace > 0 && layout.traits.ends.length > 0) steps.add('grace', 'present', { do: 'wait', why: 'grace', for: layout.timing.grace })
    if (layout.names === true) present(steps, layout, { which: 'new' }, { id: 'settle:' })
    forget(steps, layout, 'new', 'old')
  } else {
    // Accepting the new one ended the old one: nothing may stand between that and the last consumer.
    prove(steps, layout, 'prove', 'new', 'old')
  }
  return close(steps, layout)
}

/** The way back: old and new swapped, each part only if its counterpart was begun. */
export function backSteps(layout: Layout): Step[] {
  const steps = builder(layout, 'back:')
  // Once it is minted there is no way back; before that there is nothing to take back.
  if (isOneWay(layout)) return close(steps, layout)
  if (isDual(layout)) {
    present(steps, layout, { which: 'old', beside: 'new' }, { needs: 'presented' })
    forgetKey(steps, layout, 'old', 'new')
  } else if (overlaps(layout)) {
    const [first] = layout.traits.ends
    if (first !== undefined) steps.add('restore', 'accept', { do: 'set', which: 'old', to: 'on', effect: true }, undefined, 'ended')
    // What the provider was asked for it brings, whether it is still wanted or not: only who has it can end it.
    if (layout.traits.mint === 'triggers') steps.add('collect', 'accept', { do: 'collect', which: 'new' }, LOOK_MS, 'minted')
    probe(steps, layout, 'old', 'minted')
    present(steps, layout, { which: 'old' }, { needs: 'presented' })
    if (first !== undefined) {
      watch(steps, layout, 'watch:new', 'new', 'presented')
      steps.add('gate:new', 'forget', { do: 'gate', keeps: 'old', ends: 'new', to: first }, LOOK_MS, 'presented')
    }
    for (const to of layout.traits.ends) steps.add(`${to}:new`, 'forget', { do: 'set', which: 'new', to, effect: true }, undefined, 'known')
    if (first !== undefined) prove(steps, layout, 'prove:old', 'old', 'new', 'known')
  } else {
    steps.add('mint:old', 'accept', { do: 'mint', which: 'old', effect: true }, undefined, 'minted')
    // Where nothing was published the consumers still hold the old value: they are not restarted for nothing.
    present(steps, layout, { which: 'old' }, { needs: 'presented' })
    prove(steps, layout, 'prove:old', 'old', 'new', 'minted')
  }
  return close(steps, layout)
}

/** What tells how old and new meet. */
type Meeting = Pick<Layout, 'strategy' | 'traits'>

/** Whether we make the key and the consumers check what it signed: both have to be accepted before one of them signs. */
export function isDual({ strategy }: Pick<Layout, 'strategy'>): boolean {
  return strategy === 'dual-key'
}

/** Whether old and new are accepted side by side for a while. */
export function overlaps({ strategy, traits }: Meeting): boolean {
  if (strategy === 'provider-managed') return traits.slots > 1
  return strategy !== 'in-place' && strategy !== 'hard-cut'
}

/** Whether we choose the value of the new credential, before anybody outside knows it. */
export function isChosen({ value, mint }: Pick<IssuerTraits, 'value' | 'mint'>): boolean {
  return value === 'chosen' && mint !== 'triggers'
}

/** Whether there is no way back once the mint began: the old one may be dead, and nobody but the provider can make it again. */
export function isOneWay(meeting: Meeting): boolean {
  return !overlaps(meeting) && !isChosen(meeting.traits)
}

/** Whether a mint that got no answer may have left something behind at the provider that has to be found and ended. */
export function mayLeave({ value, mint, asks }: IssuerTraits): boolean {
  // Asking a person makes nothing.
  return value === 'made' && mint === 'adds' && asks?.includes('mint') !== true
}

/** Whether a person ends credentials here: who does that can look who uses them, too. */
export function endsByHand({ ends, asks = [] }: IssuerTraits): boolean {
  return ends.some((end) => asks.includes(end))
}

interface Builder {
  readonly list: Step[]
  add(id: string, phase: Phase, action: Action, deadline?: Ms, needs?: Needed): void
}

function builder(layout: Layout, prefix = ''): Builder {
  const list: Step[] = []
  return {
    list,
    add: (id, phase, action, deadline = layout.timing.deadline, needs) => {
      list.push({ ...action, id: `${prefix}${id}`, phase, deadline, ...(needs === undefined ? {} : { needs }) })
    },
  }
}

/** Whether a plan goes back to a credential that is still there: it is turned on again, and nothing is made. A key is presented again. */
export function restores(plan: Meeting & Pick<Layout, 'takesBack'>): boolean {
  return plan.takesBack !== undefined && overlaps(plan) && !isDual(plan)
}

function accept(steps: Builder, layout: Layout): void {
  if (restores(layout)) {
    if (layout.traits.ends.length > 0) steps.add('restore', 'accept', { do: 'set', which: 'new', to: 'on', effect: true })
    probe(steps, layout, 'new')
  } else {
    if (mayLeave(layout.traits)) steps.add('reclaim', 'accept', { do: 'reclaim', effect: true }, undefined, 'lost')
    steps.add('mint', 'accept', { do: 'mint', which: 'new', effect: true })
    if (layout.traits.mint === 'triggers') steps.add('collect', 'accept', { do: 'collect', which: 'new' }, LOOK_MS)
    if (overlaps(layout) || layout.traits.mint === 'triggers') probe(steps, layout, 'new')
  }
  if (!isDual(layout)) return
  present(steps, layout, { which: 'old', beside: 'new' }, { id: 'accept:', phase: 'accept' })
  const { cache = 0 } = layout.timing.tokens ?? {}
  if (cache > 0) steps.add('cache', 'accept', { do: 'wait', why: 'cache', for: cache })
}

/** The key is forgotten where no token that it signed can be alive any more; who goes back has handed out tokens of the new one, too. */
function forgetKey(steps: Builder, layout: Layout, keeps: Which, ends: Which): void {
  const { grace, tokens } = layout.timing
  const [presented, shown] = keeps === 'new' ? [] : (['presented', 'shown'] as const)
  const life = Math.max(tokens?.life ?? 0, keeps === 'new' ? grace : 0)
  steps.add('grace', 'present', { do: 'wait', why: 'grace', for: life }, undefined, presented)
  steps.add('gate:forget', 'forget', { do: 'gate', keeps, beside: ends, ends, to: 'gone' }, LOOK_MS, presented)
  present(steps, layout, { which: keeps }, { id: 'forget:', phase: 'forget', needs: shown })
  prove(steps, layout, 'prove', keeps, ends, shown)
}

function probe(steps: Builder, layout: Layout, which: Which, needs?: Needed): void {
  if (layout.traits.acceptor === 'issuer') steps.add(`probe:${which}`, 'accept', { do: 'probe', which }, LOOK_MS, needs)
}

interface Place {
  readonly wave: number
  readonly consumer: number
}

/** One round of publishing: where its ids and its phase are not those of the only one. */
interface Round {
  readonly id?: string
  readonly phase?: Phase
  readonly needs?: Needed | undefined
}

function present(steps: Builder, layout: Layout, shown: Shown, { id = '', phase = 'present', needs }: Round = {}): void {
  for (let store = 0; store < layout.stores; store += 1) steps.add(`${id}publish:${store}`, phase, { do: 'publish', store, ...shown, effect: true }, undefined, needs)
  const places = layout.waves.flatMap((count, wave) => Array.from({ length: count }, (_, consumer) => ({ wave, consumer })))
  const reload = ({ wave, consumer }: Place, pace: { readonly pace?: Pace }): void =>
    steps.add(`${id}reload:${wave}.${consumer}`, phase, { do: 'reload', wave, consumer, ...shown, effect: true, ...pace }, layout.timing.ready, needs)
  const attest = ({ wave, consumer }: Place): void => steps.add(`${id}attest:${wave}.${consumer}`, phase, { do: 'attest', wave, consumer, ...shown }, layout.timing.ready, needs)
  if (layout.strategy === 'hard-cut') {
    // All at once: of two halves with different values each would throw the other's users out, again and again.
    for (const place of places) reload(place, { pace: 'at-once' })
    for (const place of places) attest(place)
  } else {
    for (const place of places) {
      reload(place, {})
      attest(place)
    }
  }
  check(steps, layout, shown.which, phase, id === '' ? '' : `:${id.slice(0, -1)}`, needs)
}

function check(steps: Builder, layout: Layout, which: Which, phase: Phase, suffix: string, needs?: Needed): void {
  for (const list of ['secret', 'postflight'] as const) {
    for (const [index, within] of layout.within[list].entries()) {
      const id = list === 'secret' ? `check:${index}${suffix}` : `postflight:${index}${suffix}`
      steps.add(id, phase, { do: 'check', list, index, which }, within, needs)
    }
  }
}

function forget(steps: Builder, layout: Layout, keeps: Which, ends: Which): void {
  const { timing, traits } = layout
  // Where nothing is ended nobody has to be seen gone.
  if (traits.ends.length > 0) watch(steps, layout, 'watch', ends)
  for (const to of traits.ends) {
    if (to === 'gone' && traits.ends.includes('off') && timing.undo > 0) steps.add('undo', 'forget', { do: 'wait', why: 'undo', for: timing.undo })
    steps.add(`gate:${to}`, 'forget', { do: 'gate', keeps, ends, to }, LOOK_MS)
    steps.add(to, 'forget', { do: 'set', which: ends, to, effect: true })
    prove(steps, layout, `prove:${to}`, keeps, ends)
    if (to === 'off') check(steps, layout, keeps, 'forget', ':off')
  }
}

/** The gate of a consumer that cannot prove what it holds asks for it, in both directions. */
function watch(steps: Builder, { timing, traits }: Layout, id: string, which: Which, needs?: Needed): void {
  if (timing.quiet === 0 || (traits.acceptor !== 'issuer' && !endsByHand(traits))) return
  steps.add(id, 'forget', { do: 'watch', which, for: timing.quiet, every: timing.quietEvery }, timing.quiet + LOOK_MS, needs)
}

function prove(steps: Builder, layout: Layout, id: string, accepted: Which, rejected: Which, needs?: Needed): void {
  if (layout.traits.acceptor === 'issuer' || (isDual(layout) && layout.shows === true)) steps.add(id, 'forget', { do: 'prove', accepted, rejected }, LOOK_MS, needs)
}

function close(steps: Builder, { traits }: Layout): Step[] {
  // A request may have landed after the first look, or twice: by a tag what it made is found without asking anybody.
  if (mayLeave(traits) && (traits.locate === 'tag' || !steps.list.some((step) => step.do === 'reclaim'))) {
    steps.add('reclaim:end', 'close', { do: 'reclaim', effect: true }, undefined, traits.locate === 'tag' ? 'minted' : 'lost')
  }
  steps.add('sweep', 'close', { do: 'sweep' }, LOOK_MS)
  steps.add('receipt', 'close', { do: 'receipt' })
  return steps.list
}
