import type { Emergency, Plan } from '../plan/plan.ts'
import { overlaps } from '../plan/steps.ts'

/** To end a credential and to be refused with it once. */
const END_MS = 600

/**
 * What is to be expected of either order, from the same figures as any plan: for how long new logins with the value in the stores fail
 * (outage), and for how long what is compromised can still be used (exposure). Only a guide: both are measured afterwards. Pure.
 */
export function estimatesOf(plan: Pick<Plan, 'summary' | 'strategy' | 'traits'>): Emergency['estimates'] {
  const { takes, gap } = plan.summary
  // Where making the new one ends the old one both orders are one.
  if (!overlaps(plan)) return { 'forget-first': { outage: gap, exposure: END_MS }, 'mint-first': { outage: gap, exposure: END_MS } }
  return { 'forget-first': { outage: takes, exposure: END_MS }, 'mint-first': { outage: 0, exposure: takes + END_MS } }
}
