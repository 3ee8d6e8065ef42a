import { runKeyturn, type Ran } from './cli.ts'
import type { LoginAnswer } from './database.ts'
import type { Load } from './load.ts'
import type { Scenery } from './scenery.ts'
import type { Screen } from './screen.ts'
import type { Report } from './tally.ts'

/** What a story is played with. */
export interface Play {
  readonly stage: Scenery
  readonly load: Load
  readonly screen: Screen
  /** Requests per second. */
  readonly rate: number
  /** Aborts when the audience leaves. */
  readonly signal: AbortSignal
}

/** Shows the command, runs it, shows its own words as they come, and what the load has seen meanwhile. */
export async function perform({ stage, load, screen, signal }: Play, args: readonly string[], rehearse?: string): Promise<Ran> {
  screen.command(`${rehearse === undefined ? '' : `KEYTURN_REHEARSE=${rehearse} `}keyturn ${args.join(' ')}`)
  const before = load.now()
  const ran = await runKeyturn(stage, args, {
    onLine: (line) => screen.line(line),
    signal,
    ...(rehearse === undefined ? {} : { rehearse }),
  })
  signal.throwIfAborted()
  screen.line()
  screen.line(`${endOf(ran)}; meanwhile ${seenSince(before, load.now())}`)
  screen.line()
  return ran
}

/** `exit code 0`, `ended by SIGKILL`. */
export function endOf(ran: Ran): string {
  return ran.signal === undefined ? `exit code ${ran.code}` : `ended by ${ran.signal}`
}

/** `1,204 requests, 0 failed`: the difference between two reports. */
export function seenSince(before: Report, after: Report): string {
  return `${number(after.requests - before.requests)} requests, ${number(after.failed - before.failed)} failed`
}

/** `28P01 512, timeout 3`: how often each reason came; `none` when nothing failed. */
export function reasonsOf(reasons: Report['reasons']): string {
  const texts = Object.entries(reasons).map(([reason, count]) => `${number(count)} times ${reason}`)
  return texts.length === 0 ? 'none' : texts.join(', ')
}

/** The rows about the load that every summary has. `logins` is per second, by the server's count. */
export function loadRows(report: Report, logins: number, rate: number): [string, string][] {
  const ms = (value: number): string => `${Math.round(value)} ms`
  const rows: [string, string][] = [
    ['requests', `${number(report.requests)} in ${seconds(report.elapsed)}: ${rate}/s in turn, on a fixed schedule, no retries`],
    ['failed', report.failed === 0 ? '0' : `${number(report.failed)}: ${reasonsOf(report.reasons)}`],
    ['longest request', `${ms(report.longest)} (half within ${ms(report.p50)}, 99% within ${ms(report.p99)})`],
    ['new logins', `${logins.toFixed(1)}/s, counted by the server`],
  ]
  const { late, worst } = report.lag
  if (late > 0) rows.push(['sent late', `${late} requests by over 50 ms, at worst ${ms(worst)}: this machine is busy`])
  return rows
}

/** A login's answer in words. */
export function said(answer: LoginAnswer | undefined): string {
  return answer === 'accepted' ? 'accepted' : `rejected by the server, SQLSTATE ${answer}`
}

/** `1,204`. */
export function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** `2.5 s` of milliseconds. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
