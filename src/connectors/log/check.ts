import { type Answer, done, type Evidence } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check, CheckResult, Since } from '../../kit/check.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Mark } from './file.ts'
import type { CheckConfig } from './manifest.ts'
import { compileRule } from './pattern.ts'
import { markSource, type Reached, readSource, titleOf } from './source.ts'
import { Tally } from './tally.ts'

/** One source, read. */
interface Looked extends Reached {
  readonly tally: Tally
  readonly mark?: Mark
}

/**
 * Counts lines. In preflight it writes down where the files end and, for rules that compare, how many lines there were in the time
 * before; afterwards it counts from there, and what was written before the change does not count (C-28). Evidence is numbers:
 * no line leaves this folder. What was not seen in full is `inconclusive`, unless there are too many lines already.
 */
export function openCheck(config: CheckConfig, host: Host): Check {
  const rules = new Map(Object.entries(config.expect).map(([name, rule]) => [name, compileRule(rule)]))
  return {
    traits: { takesCredential: false, compares: true },
    title: () => `log ${config.sources.map(titleOf).join(', ')}`,
    run: async (call, _, since) => {
      const from = since?.at ?? host.now() - durationOf(config.before)
      const looked = await Promise.all(
        config.sources.map(async (source, index): Promise<Looked> => {
          const tally = new Tally(rules, source, from)
          const mark = since === undefined ? await markSource(source, host) : undefined
          if (typeof mark === 'string') return { tally, whole: false, cause: mark }
          const known = since === undefined ? undefined : markIn(since.before, index)
          const reached = await readSource(source, from, known, tally, host, call)
          return { ...reached, tally, ...(mark === undefined ? {} : { mark }) }
        }),
      )
      return since === undefined ? before(config, looked) : judge(config, looked, since, host.now())
    },
  }
}

/** Whether everything can be read, where it ends, and how many lines there were. */
function before(config: CheckConfig, looked: readonly Looked[]): Answer<CheckResult> {
  const compared = Object.entries(config.expect).flatMap(([name, rule]) => (rule.atMostMore === undefined ? [] : [name]))
  const evidence: Record<string, string | number> = { ...counts(compared, looked) }
  for (const [index, { mark }] of looked.entries()) {
    if (mark === undefined) continue
    for (const [part, value] of Object.entries(mark)) evidence[`${part}:${index}`] = value
  }
  const blind = looked.findIndex((each, index) => blindness(each, config, index, compared.length > 0) !== undefined)
  const one = looked[blind]
  if (one === undefined) return done({ verdict: 'pass', evidence })
  return done({ verdict: 'inconclusive', evidence: { source: blind, cause: blindness(one, config, blind, compared.length > 0) ?? '' } })
}

/** Why the lines of a source cannot be told apart; undefined when they can. */
function blindness({ cause, tally }: Looked, { sources }: CheckConfig, index: number, timed: boolean): string | undefined {
  if (cause !== undefined) return cause
  if (tally.heard > 0 && tally.fitting === 0) return 'prefix'
  const source = sources[index]
  const windowed = source !== undefined && 'run' in source && source.run.some((word) => /\{(?:since|epoch)\}/.test(word))
  return timed && !windowed && tally.heard > 0 && tally.timed === 0 ? 'untimed' : undefined
}

function judge(config: CheckConfig, looked: readonly Looked[], since: Since, now: number): Answer<CheckResult> {
  const rules = Object.entries(config.expect)
  const evidence = { ...counts(rules.map(([name]) => name), looked), 'since ms': now - since.at }
  const fail = (unmet: string, final: boolean): Answer<CheckResult> =>
    done({ verdict: 'fail', evidence: { ...evidence, unmet }, ...(final ? { final: true } : {}) })
  const unclear = (more: Evidence): Answer<CheckResult> => done({ verdict: 'inconclusive', evidence: { ...evidence, ...more } })
  const total = (name: string): number => looked.reduce((sum, { tally }) => sum + tally.count(name), 0)

  const over = rules.find(([name, { atMost }]) => atMost !== undefined && total(name) > atMost)
  if (over !== undefined) return fail(`${over[0]}:atMost`, true)
  for (const [name, { atMostMore }] of rules) {
    if (atMostMore === undefined) continue
    const baseline = since.before[`lines:${name}`]
    if (typeof baseline !== 'number') return unclear({ cause: 'no-baseline' })
    // In as long a time; while less has passed than was looked at before, all of those lines are allowed.
    const times = Math.max(1, (now - since.at) / durationOf(config.before))
    if (total(name) > Math.ceil(baseline * times) + atMostMore) return fail(`${name}:atMostMore`, false)
  }
  for (const [index, each] of looked.entries()) {
    const cause = blindness(each, config, index, false) ?? (each.whole ? undefined : 'not-whole')
    if (cause !== undefined) return unclear({ source: index, cause })
  }
  const few = rules.find(([name, { atLeast }]) => looked.some(({ tally }) => tally.count(name) < (atLeast ?? 0)))
  return few === undefined ? done({ verdict: 'pass', evidence }) : fail(`${few[0]}:atLeast`, false)
}

function counts(rules: readonly string[], looked: readonly Looked[]): Record<string, number> {
  const found: Record<string, number> = { lines: looked.reduce((sum, { tally }) => sum + tally.lines, 0) }
  for (const name of rules) found[`lines:${name}`] = looked.reduce((sum, { tally }) => sum + tally.count(name), 0)
  return found
}

/** Where a source stood in preflight. Undefined when that was not written down. */
function markIn(kept: Evidence, index: number): Mark | undefined {
  const [inode, size, tail, at] = ['inode', 'size', 'tail', 'at'].map((part) => kept[`${part}:${index}`])
  if (typeof inode !== 'string' || typeof size !== 'number' || typeof tail !== 'number' || typeof at !== 'number') return undefined
  return { inode, size, tail, at }
}
