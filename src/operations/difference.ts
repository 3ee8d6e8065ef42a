import type { Used } from '../manifest/model.ts'
import type { Plan, Preconditions } from '../plan/plan.ts'
import { canonicalJson } from '../proof/receipt.ts'

/** What differs between two plans' worlds, in words; empty when the plan can be carried out as it is. */
export function worldDifference(planned: Preconditions, seen: Preconditions): string[] {
  const differences: string[] = []
  // A plan made before there was an identity knows ids, not fingerprints.
  const same = planned.current === undefined || seen.current === undefined || `${seen.current} `.startsWith(`${planned.current} `)
  if (!same) differences.push('another credential is in use')
  const keys = (of: Readonly<Record<string, unknown>>): string => Object.keys(of).sort().join(' ')
  if (keys(planned.stores) !== keys(seen.stores)) differences.push('the stores are others')
  if (JSON.stringify(Object.entries(planned.consumers).sort()) !== JSON.stringify(Object.entries(seen.consumers).sort())) differences.push('the consumers or their instances are others')
  return differences
}

/** Everything of a plan that was decided by people: what a reviewer said yes to, wherever it stands in the manifest. */
export function substanceOf(plan: Plan): string {
  const used = ({ use, config }: Used): Used => ({ use, config }) as Used
  const checks = (list: Plan['checks']): unknown[] => list.map((check) => ({ ...used(check), as: check.as, within: check.within }))
  return canonicalJson({
    system: plan.system, environment: plan.environment, strategy: plan.strategy, principal: plan.principal, endpoints: plan.endpoints, back: plan.back,
    issuer: used(plan.issuer),
    stores: plan.stores.map((store) => ({ ...used(store), bind: store.bind })),
    waves: plan.waves.map((wave) => wave.map((consumer) => ({ ...used(consumer), attest: consumer.attest === undefined ? undefined : used(consumer.attest) }))),
    checks: checks(plan.checks), preflight: checks(plan.preflight), postflight: checks(plan.postflight),
  })
}
