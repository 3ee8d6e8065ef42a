/** One measured figure. */
export interface Figure {
  /** Stable: `effect`, `rotation`, ... with what is special about it. */
  readonly name: string
  readonly says: string
  readonly value: number
  readonly unit: 'x' | 'ms' | 'MB' | '/s'
  /** What it must not exceed, or not fall short of; both absent for what is listed apart. */
  readonly target?: number
  readonly least?: number
  /** What it was computed from, in milliseconds unless the name says otherwise. */
  readonly from: Readonly<Record<string, number>>
}

/** Whether it is within its targets; one without a target is. */
export function passes({ value, target, least }: Figure): boolean {
  return (target === undefined || value <= target) && (least === undefined || value >= least)
}

/** The figures as lines of a table for people. */
export function table(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => [
    figure.name,
    `${figure.value.toFixed(figure.unit === 'x' ? 2 : 1)} ${figure.unit}`,
    boundOf(figure),
    boundOf(figure) === '' ? '' : passes(figure) ? 'pass' : 'FAIL',
    `${figure.says} (${Object.entries(figure.from).map(([name, value]) => `${name} ${round(value)}`).join(', ')})`,
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => (column === 4 ? cell : column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  '))
}

function boundOf({ target, least, unit }: Figure): string {
  if (target !== undefined) return `<= ${target} ${unit}`
  return least === undefined ? '' : `>= ${least} ${unit}`
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 1_000 ? 1 : 0)
}
