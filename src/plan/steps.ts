import type { IssuerTraits, Ms, Strategy } from '../kit/index.ts'
import type { Timing } from '../manifest/model.ts'
import type { Action, Needed, Phase, Step, Which } from './step.ts'

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
  /** How long each check may look again. */
  readonly within: { readonly secret: readonly Ms[]; readonly postflight: readonly Ms[] }
}

/** Reading what is there: bounded, but generous enough for a slow control plane. */
const LOOK_MS = 30_000

/** The way forward: accept, present, forget, whichever the strategy. */
export function forwardSteps(layout: Layout): Step[] {
  const steps = builder(layout)
  steps.add('preflight', 'preflight', { do: 'preflight' }, LOOK_MS)
  if (overlaps(layout.strategy)) {
    accept(steps, layout, 'new')
    present(steps, layout, 'new')
    if (layout.timing.grace > 0) steps.add('grace', 'present', { do: 'wait', why: 'grace', for: layout.timing.grace })
    forget(steps, layout, 'new', 'old')
  } else {
    // Accepting the new one ends the old one: nothing may stand between that and the last consumer.
    steps.add('mint', 'accept', { do: 'mint', which: 'new', effect: true })
    present(steps, layout, 'new')
    prove(steps, layout, 'prove', 'new', 'old')
  }
  return close(steps)
}

/** The way back: old and new swapped, each part only if its counterpart was begun. */
export function backSteps(layout: Layout): Step[] {
  const steps = builder(layout, 'back:')
  if (overlaps(layout.strategy)) {
    if (layout.traits.ends.length > 0) steps.add('restore', 'accept', { do: 'set', which: 'old', to: 'on', effect: true }, undefined, 'ended')
    probe(steps, layout, 'old', 'minted')
    present(steps, layout, 'old', 'presented')
    if (layout.traits.ends.length > 0) {
      watch(steps, layout, 'watch:new', 'new', 'presented')
      steps.add('gate:new', 'forget', { do: 'gate', keeps: 'old', ends: 'new', to: 'off' }, LOOK_MS, 'presented')
    }
    for (const to of layout.traits.ends) steps.add(`${to}:new`, 'forget', { do: 'set', which: 'new', to, effect: true }, undefined, 'minted')
    prove(steps, layout, 'prove:old', 'old', 'new', 'minted')
  } else {
    steps.add('mint:old', 'accept', { do: 'mint', which: 'old', effect: true }, undefined, 'minted')
    // Where nothing was published the consumers still hold the old value: they are not restarted for nothing.
    present(steps, layout, 'old', 'presented')
    prove(steps, layout, 'prove:old', 'old', 'new', 'minted')
  }
  return close(steps)
}

/** Whether old and new are accepted side by side for a while. */
export function overlaps(strategy: Strategy): boolean {
  return strategy !== 'in-place' && strategy !== 'hard-cut'
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

function accept(steps: Builder, layout: Layout, which: Which): void {
  steps.add('mint', 'accept', { do: 'mint', which, effect: true })
  probe(steps, layout, which)
}

function probe(steps: Builder, layout: Layout, which: Which, needs?: Needed): void {
  if (layout.traits.acceptor === 'issuer') steps.add(`probe:${which}`, 'accept', { do: 'probe', which }, LOOK_MS, needs)
}

function present(steps: Builder, layout: Layout, which: Which, needs?: Needed): void {
  for (let store = 0; store < layout.stores; store += 1) steps.add(`publish:${store}`, 'present', { do: 'publish', store, which, effect: true }, undefined, needs)
  for (const [wave, count] of layout.waves.entries()) {
    for (let consumer = 0; consumer < count; consumer += 1) {
      const place = `${wave}.${consumer}`
      steps.add(`reload:${place}`, 'present', { do: 'reload', wave, consumer, which, effect: true }, layout.timing.ready, needs)
      steps.add(`attest:${place}`, 'present', { do: 'attest', wave, consumer, which }, layout.timing.ready, needs)
    }
  }
  check(steps, layout, which, 'present', '', needs)
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
  watch(steps, layout, 'watch', ends)
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
  if (timing.quiet === 0 || traits.acceptor !== 'issuer') return
  steps.add(id, 'forget', { do: 'watch', which, for: timing.quiet, every: timing.quietEvery }, timing.quiet + LOOK_MS, needs)
}

function prove(steps: Builder, layout: Layout, id: string, accepted: Which, rejected: Which, needs?: Needed): void {
  if (layout.traits.acceptor === 'issuer') steps.add(id, 'forget', { do: 'prove', accepted, rejected }, LOOK_MS, needs)
}

function close(steps: Builder): Step[] {
  steps.add('sweep', 'close', { do: 'sweep' }, LOOK_MS)
  steps.add('receipt', 'close', { do: 'receipt' })
  return steps.list
}
