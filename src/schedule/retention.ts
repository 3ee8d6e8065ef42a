/** Something that is kept for a while. */
export interface KeptUntil {
  /** From when on it is not, unix ms; absent while that is not known. */
  readonly until?: number
}

/** What was kept for long enough at `now`: not a millisecond earlier. Pure. */
export function outlived<K extends KeptUntil>(kept: readonly K[], now: number): K[] {
  return kept.filter(({ until }) => until !== undefined && until <= now)
}
