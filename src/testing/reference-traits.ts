/** What a reference issuer is like; the words are those of {@link IssuerTraits}. */
export interface ReferenceTraits {
  readonly value: 'chosen' | 'made'
  readonly mint: 'adds' | 'replaces' | 'triggers'
  readonly locate: 'value' | 'tag' | 'baseline' | 'none'
  readonly slots: number
  readonly ends: readonly ('off' | 'gone')[]
}

const ENDS = [['off', 'gone'], ['gone'], []] as const

/** Every combination that makes sense: a chosen value is located by itself, one slot has no ends, only the provider's tag finds a rotation. */
export const referenceTraits: readonly ReferenceTraits[] = [
  { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] },
  ...ENDS.map((ends) => ({ value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends }) as const),
  ...(['tag', 'baseline', 'none'] as const).flatMap((locate) => [
    { value: 'made', mint: 'replaces', locate, slots: 1, ends: [] } as const,
    ...ENDS.map((ends) => ({ value: 'made', mint: 'adds', locate, slots: 2, ends }) as const),
    { value: 'made', mint: 'adds', locate, slots: 5, ends: ENDS[0] } as const,
  ]),
  ...ENDS.map((ends) => ({ value: 'made', mint: 'triggers', locate: 'tag', slots: 2, ends }) as const),
  { value: 'made', mint: 'triggers', locate: 'tag', slots: 1, ends: [] },
]

/** For titles: `made adds tag, 2 slots, off gone`. */
export function titleOf({ value, mint, locate, slots, ends }: ReferenceTraits): string {
  return `${value} ${mint} ${locate}, ${slots} ${slots === 1 ? 'slot' : 'slots'}, ${ends.length === 0 ? 'no ends' : ends.join(' ')}`
}
