import type { Evidence } from '../kit/index.ts'
import type { IncidentRecord, SecretRecord } from './record.ts'

/** The record for people, as Markdown. Pure. */
export function incidentMarkdown(record: IncidentRecord): string {
  const lines = [
    `# Incident ${record.incident}`,
    '',
    `${record.system} (${record.environment}), ${record.state}. Decided ${record.decided} by ${record.by}: ${inLine(record.reason)}`,
    ...(record.leak === undefined ? [] : ['', `Leaked at: ${inLine(record.leak)}`]),
    ...record.secrets.flatMap((secret) => ['', ...secretLines(secret)]),
    ...(record.notBegun.length === 0 ? [] : ['', `Not begun: ${record.notBegun.join(', ')}`]),
    '',
    '## Questions',
    '',
    ...record.questions.flatMap(({ asks, answers }) => [`- **${asks}**`, ...(answers.length === 0 ? ['  - nobody has answered'] : answers.map(({ text, name, by, at }) => `  - ${inLine(text)} (${inLine(name)}, ${at}, written by ${by})`))]),
    ...(record.closed === undefined ? [] : ['', `Closed ${record.closed.at} by ${record.closed.by}.`]),
    '',
    '## Timeline',
    '',
    '| When | What | Secret | Seen |',
    '| - | - | - | - |',
    ...record.timeline.map(({ at, type, step, secret, by, code, evidence }) => `| ${at} | ${[type, step].filter(Boolean).join(' ')}${by === undefined ? '' : ` by ${cell(by)}`} | ${secret ?? ''} | ${cell([code, evidence === undefined ? undefined : evidenceText(evidence)].filter(Boolean).join(' '))} |`),
    '',
  ]
  return lines.join('\n')
}

function secretLines(secret: SecretRecord): string[] {
  return [
    `## ${secret.secret}`,
    '',
    `- rotation: ${secret.rotation}, ${secret.order}, ${secret.strategy}: ${secret.result}${secret.superseded === undefined ? '' : `; took the place of ${secret.superseded}`}`,
    ...(secret.owner === undefined ? [] : [`- owner: ${secret.owner}`]),
    `- exposure from the decision to the proof: ${secret.exposureMs === undefined ? 'not proven yet' : `${secret.exposureMs} ms`} (estimated ${secret.estimated.exposureMs} ms)`,
    `- outage: ${secret.outageMs === undefined ? 'not over yet' : `${secret.outageMs} ms`} (estimated ${secret.estimated.outageMs} ms)`,
    ...(secret.derived === undefined ? [] : [`- still alive: ${secret.derived.what}${secret.derived.until === undefined ? '' : `, until ${secret.derived.until}`}`]),
    ...secret.credentials.map(({ id, fingerprint, was, now }) => `- credential ${id}${fingerprint === undefined ? '' : ` ${fingerprint}`}: ${was}${now === undefined ? '' : `, ${now} now`}`),
    ...secret.stores.map((title) => `- store: ${title}`),
    ...secret.consumers.map(({ title, instances, attested }) => `- consumer: ${title} (${instances.join(', ') || 'not listed'})${attested === undefined ? '' : `: ${evidenceText(attested)}`}`),
    ...secret.proofs.map(({ step, at, evidence }) => `- proof ${step}, ${at}: ${evidenceText(evidence)}`),
  ]
}

function evidenceText(evidence: Evidence): string {
  return Object.entries(evidence).map(([name, value]) => `${name}: ${String(value)}`).join(', ')
}

/** What a person wrote stays one line and no markup of ours. */
function inLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[<>]/g, (mark) => (mark === '<' ? '&lt;' : '&gt;')).trim()
}

function cell(text: string): string {
  return inLine(text).replaceAll('|', '\\|')
}
