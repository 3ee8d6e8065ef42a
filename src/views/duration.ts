/** A length of time for people: `300 ms`, `4.2 s`, `5 min`, `48 h`, `90 d`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${trim(ms / 1_000)} s`
  if (ms < 3_600_000) return `${trim(ms / 60_000)} min`
  return ms < 172_800_000 ? `${trim(ms / 3_600_000)} h` : `${trim(ms / 86_400_000)} d`
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}

/** A time for people and machines alike: ISO 8601 in UTC, to the second. */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
