import type { Credential } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Step, Which } from '../plan/step.ts'
import { isDual, overlaps } from '../plan/steps.ts'
import type { LedgerChange } from '../state/journal.ts'
import { secretKey } from '../state/ledger.ts'

/** What the ledger says of a credential. */
type LedgerState = 'staged' | 'accepted' | 'presented' | 'off' | 'gone'

/**
 * What an event changes in the ledger of the secret. `credentialOf` gives the credentials that are known at that point, with
 * their fingerprints.
 */
export function ledgerChanges(
  plan: Plan,
  step: Step,
  type: 'intent-recorded' | 'step-done' | 'step-refused',
  credentialOf: (which: Which) => { readonly credential: Credential; readonly fingerprint: string } | undefined,
): LedgerChange[] {
  const changes: LedgerChange[] = []
  const put = (which: Which, state: LedgerState): void => {
    const known = credentialOf(which)
    if (known === undefined) return
    changes.push({ secretKey: secretKey(plan.system, plan.environment, plan.secret), providerId: known.credential.id, fingerprint: known.fingerprint, state })
  }
  const endAll = (): void => {
    const state = plan.traits.ends.at(-1) ?? 'gone'
    put('old', state)
    for (const { id, fingerprint } of plan.emergency?.inherits ?? []) if (fingerprint !== undefined) changes.push({ secretKey: secretKey(plan.system, plan.environment, plan.secret), providerId: id, fingerprint, state })
  }
  if (type === 'intent-recorded') {
    if (step.do === 'mint' && step.which === 'new') put('new', 'staged')
    return changes
  }
  // What certainly never came to be is not live.
  if (type === 'step-refused') {
    if (step.do === 'mint' && step.which === 'new') put('new', 'gone')
    return changes
  }
  switch (step.do) {
    case 'preflight':
      // An emergency has ended it by then.
      if (plan.emergency === undefined) put('old', 'presented')
      break
    case 'mint':
      // Only started: the provider's own rotation brings it. Of a key that we make nobody knows yet.
      if (plan.traits.mint === 'triggers' || isDual(plan)) break
      // The old one comes back to stores that hold it, or that are about to.
      put(step.which, step.which === 'old' ? 'presented' : 'accepted')
      if (!overlaps(plan) && step.which === 'new') endAll()
      else if (!overlaps(plan)) put('new', 'gone')
      break
    case 'collect':
      put('new', 'accepted')
      if (!overlaps(plan)) endAll()
      break
    case 'publish':
    case 'attest':
      if (step.beside !== undefined && isDual(plan)) put(step.beside, 'accepted')
      put(step.which, 'presented')
      break
    case 'set':
      put(step.which, step.to !== 'on' ? step.to : step.which === 'old' ? 'presented' : 'accepted')
      break
    case 'forget':
      endAll()
      break
    case 'sweep':
      // Nobody presents it any more, and the provider still takes it.
      if (plan.emergency !== undefined && isDual(plan)) endAll()
      else if (overlaps(plan) && plan.traits.ends.length === 0 && plan.emergency === undefined) put(plan.steps.some(({ id }) => id === step.id) ? 'old' : 'new', isDual(plan) ? 'gone' : 'accepted')
      break
    default:
  }
  return changes
}
