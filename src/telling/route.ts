import type { Notice, Severity } from '../kit/index.ts'
import { isSaidOf } from './condition.ts'

/** Which notices go to whom, and what to do about them. What is absent lets every notice through; what is there has to fit all of it. */
export interface Route {
  /** Kinds of notices, and conditions. */
  readonly kind?: readonly string[]
  /** This severe, or more. */
  readonly severity?: Severity
  readonly owner?: readonly string[]
  readonly secret?: readonly string[]
  readonly environment?: readonly string[]
  /** Names of notifiers; none where only the advice counts. */
  readonly to: readonly string[]
  readonly advice?: Notice['advice']
}

const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical']

/** A notice with the names of those who are told: `named` by the secret, and by every route that fits, each once. The advice of all of them is in it. Pure. */
export function address(notice: Notice, routes: readonly Route[], named: readonly string[]): { readonly notice: Notice; readonly to: readonly string[] } {
  const fitting = routes.filter((route) => fits(route, notice))
  const advice = [notice.advice, ...fitting.map((route) => route.advice)].flatMap((each) => each ?? [])
  const to = unique([...named, ...fitting.flatMap((route) => route.to)])
  return { to, notice: advice.length === 0 ? notice : { ...notice, advice: joined(advice) } }
}

function fits({ kind, severity, owner, secret, environment }: Route, notice: Notice): boolean {
  return (
    (kind === undefined || kind.some((word) => isSaidOf(word, notice))) &&
    (severity === undefined || SEVERITIES.indexOf(notice.severity) >= SEVERITIES.indexOf(severity)) &&
    isAmong(owner, notice.owner) && isAmong(secret, notice.secret) && isAmong(environment, notice.environment)
  )
}

function isAmong(wanted: readonly string[] | undefined, name: string | undefined): boolean {
  return wanted === undefined || (name !== undefined && wanted.includes(name))
}

function joined(advice: readonly NonNullable<Notice['advice']>[]): NonNullable<Notice['advice']> {
  const link = advice.find((each) => each.link !== undefined)?.link
  return { actions: unique(advice.flatMap(({ actions }) => actions)), contacts: unique(advice.flatMap(({ contacts }) => contacts)), ...(link === undefined ? {} : { link }) }
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)]
}
