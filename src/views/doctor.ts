import type { Finding } from '../doctor/finding.ts'
import type { Paint } from './paint.ts'

/** What `doctor --json` prints. */
export interface DoctorDocument {
  readonly problems: number
  readonly warnings: number
  readonly ok: number
  readonly findings: readonly Finding[]
}

/** The findings with their counts. */
export function doctorDocument(findings: readonly Finding[]): DoctorDocument {
  const count = (verdict: Finding['verdict']): number => findings.filter((finding) => finding.verdict === verdict).length
  return { problems: count('problem'), warnings: count('warning'), ok: count('ok'), findings }
}

/** What all have in common, then secret by secret; what is not well with what to do about it. */
export function doctorLines({ problems, warnings, ok, findings }: DoctorDocument, paint: Paint): string[] {
  const groups = [...Map.groupBy(findings, (finding) => finding.secret ?? '')]
  const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
  const end = `${plural(problems, 'problem')}, ${plural(warnings, 'warning')}, ${ok} ok.`
  return [
    ...groups.flatMap(([secret, group]) => [paint.strong(secret === '' ? 'In common' : secret), ...group.flatMap((finding) => findingLines(finding, paint)), '']),
    problems > 0 ? paint.bad(`${end} Mend the problems before the next rotation.`) : warnings > 0 ? paint.warn(end) : paint.good(end),
    paint.dim('Nothing was changed.'),
  ]
}

function findingLines({ area, subject, verdict, code, says, hint }: Finding, paint: Paint): string[] {
  const name = paint.dim(area.padEnd(9))
  if (verdict === 'ok') return [`  ${paint.good('✔')} ${name} ${subject}: ${says}`]
  if (code === 'NOTICE') return [`  ${paint.warn('!')} ${name} ${subject}: ${says}`]
  const colour = verdict === 'problem' ? paint.bad : paint.warn
  return [`  ${colour(verdict === 'problem' ? '✘' : '!')} ${name} ${subject}: ${colour(code ?? '')} ${says}`, ...(hint === undefined ? [] : [`              ${paint.dim(hint)}`])]
}
