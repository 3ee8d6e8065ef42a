import { median } from '../pairs.ts'
import type { Round } from './round.ts'
import type { Way } from './way.ts'

/** The middle and the worst of the rounds. */
export interface Spread {
  readonly median: number
  readonly worst: number
}

/** All rounds of one way. Times in milliseconds. */
export interface Row {
  readonly way: string
  readonly title: string
  readonly failed: Spread
  readonly unanswered: Spread
  readonly operations: Spread
  readonly gap: Spread
  readonly total: Spread
  /** What the tool itself saw of the old one's end in every round; absent when it did not look in one of them. */
  readonly proof?: string
  /** What the server said to the old one afterwards; of several answers each once. */
  readonly old: string
  readonly back: string
  readonly receipt: string
  readonly rounds: readonly Round[]
}

export function rowOf(way: Way, rounds: readonly Round[]): Row {
  const spread = (of: (round: Round) => number): Spread => ({ median: median(rounds.map(of)), worst: Math.max(...rounds.map(of)) })
  const proofs = rounds.flatMap(({ proof }) => proof ?? [])
  return {
    way: way.id, title: way.title,
    failed: spread(({ failed }) => failed), unanswered: spread(({ unanswered }) => unanswered), operations: spread(({ operations }) => operations), gap: spread(({ gap }) => gap), total: spread(({ total }) => total),
    ...(proofs.length < rounds.length ? {} : { proof: once(proofs) }),
    old: once(rounds.map(({ old }) => old)), back: way.back, receipt: way.receipt, rounds,
  }
}

/** The rows as a table for people, in columns or as Markdown: each with the numbers of its notes, and the notes below. */
export function table(rows: readonly Row[], ways: readonly Way[], form: 'columns' | 'markdown' = 'columns'): string[] {
  const notes = [...new Set(ways.filter(({ id }) => rows.some(({ way }) => way === id)).flatMap((way) => way.notes))]
  const head = ['', 'failed', 'no answer', 'gap, ms', 'total, s', 'proved dead', 'old one after', 'way back', 'receipt', 'notes']
  const cells = rows.map((row) => [
    row.title,
    `${whole(row.failed)} of ${row.operations.median}`,
    whole(row.unanswered),
    whole(row.gap),
    `${(row.total.median / 1_000).toFixed(1)} (${(row.total.worst / 1_000).toFixed(1)})`,
    row.proof === undefined ? 'no' : `yes: ${row.proof}`,
    row.old.split(', ').includes('accepted') ? 'ACCEPTED' : `refused: ${row.old}`,
    row.back,
    row.receipt,
    (ways.find(({ id }) => id === row.way)?.notes ?? []).map((note) => notes.indexOf(note) + 1).join(' '),
  ])
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()
  const bar = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  if (form === 'markdown') return [bar(head), bar(head.map(() => '-')), ...cells.map(bar), '', ...notes.map((note, at) => `${at + 1}. ${note}`)]
  return [line(head), ...cells.map(line), '', ...notes.map((note, at) => `${at + 1}  ${note}`)]
}

/** `3 (7)`: the median and the worst. */
function whole({ median: middle, worst }: Spread): string {
  return `${Math.round(middle)} (${Math.round(worst)})`
}

function once(texts: readonly string[]): string {
  return [...new Set(texts)].join(', ')
}
