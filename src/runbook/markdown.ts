import type { Instruction } from '../by-hand/index.ts'
import type { Fact, Runbook, RunbookStep } from './runbook.ts'

/**
 * The text for people. A numbered step is a heading `### N. title`; its commands stand in blocks of `bash`, and below one the line
 * `It prints:` with what its last line has to be. Pure.
 */
export function runbookText(runbook: Runbook): string {
  const { secret, system, environment, stores, consumers, checks, tell, tools, asks, begin, forward, back, resume, noReturn, failures, afterwards, links } = runbook
  return [
    `# ${secret} of ${system} (${environment}), rotated by hand`,
    '',
    'This text is enough to rotate one secret without keyturn. It holds no value and may be printed. Made by `keyturn runbook` from the manifest: make it anew when that changes.',
    '',
    '## What it is',
    '',
    ...table(['', ''], runbook.facts),
    '',
    ...titled('### Where it lies', stores.length === 0 ? [] : table(['Store', 'Key', 'What stands there'], stores.map(([store, key, holds]) => [store, `\`${key}\``, holds]))),
    ...titled('### Who uses it, in this order', consumers.length === 0 ? ['Nobody is named: whoever uses it has to be told.'] : table(['', 'Consumer'], consumers)),
    ...titled('### What is checked', checks.length === 0 ? [] : table(['', 'Check'], checks)),
    ...titled('## Before you begin', [
      ...tell.map((who) => `- Tell ${who[0]?.toLowerCase() ?? ''}${who.slice(1)}`),
      `- You need: ${tools.join(', ')}, and the usual programs of POSIX.`,
      ...(asks.length === 0 ? [] : [`- You bring: ${asks.join('; ')}.`]),
      `- Point of no return: ${noReturn[0]?.toLowerCase() ?? ''}${noReturn.slice(1)}`,
      '- Go on from a step only when it printed what it should. If it did not, see "When a step fails".',
    ]),
    ...begin.flatMap(stepLines),
    '## The way forward',
    '',
    ...forward.flatMap(stepLines),
    '## The way back',
    '',
    ...(back.length === 0 ? ['There is none.', ''] : [`${noReturn} Before it, instead of going on:`, '', ...back.flatMap(stepLines)]),
    ...titled('## When a step fails', table(['Where', 'What to do'], failures)),
    ...titled('## When the shell was closed', resume.flatMap(instructionLines)),
    ...titled('## Afterwards', afterwards.map((line) => `- ${line}`)),
    ...titled('## The providers\' own pages', links.map((link) => `- <${link}>`)),
  ].join('\n')
}

/** A heading with what is below it; nothing when nothing is. */
function titled(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [heading, '', ...lines, '']
}

function stepLines({ number, title, onlyIf, instructions }: RunbookStep): readonly string[] {
  return [`### ${number}. ${title}`, '', ...(onlyIf === undefined ? [] : [`${onlyIf[0]?.toUpperCase() ?? ''}${onlyIf.slice(1)}.`, '']), ...instructions.flatMap(instructionLines)]
}

function instructionLines({ says, run, prints }: Instruction): readonly string[] {
  return [says, '', ...(run === undefined ? [] : ['```bash', run, '```', '']), ...(prints === undefined ? [] : [`It prints: \`${prints}\``, ''])]
}

function table(head: readonly string[], rows: readonly (Fact | readonly string[])[]): readonly string[] {
  const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  return [row(head), row(head.map(() => '-')), ...rows.map(row)]
}
