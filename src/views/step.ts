import type { Plan, PlannedCheck, PlannedConsumer } from '../plan/plan.ts'
import type { Shown, Step, Which } from '../plan/step.ts'
import { duration } from './duration.ts'

/** What a step does, in the words of the plan: names of things, never values. `fresh` is the new credential's, once it has one. */
export function stepText(plan: Plan, step: Step, fresh = plan.next?.id): string {
  const made = plan.traits.value === 'made'
  const id = (which: Which): string => (which === 'old' ? plan.current?.id : fresh) ?? `the ${which} credential`
  switch (step.do) {
    case 'preflight':
      if (plan.emergency !== undefined) return 'look what else there is at the issuer'
      return 'look: rights, room, stores, consumers, checks; probe the old credential and a wrong one'
    case 'mint':
      if (plan.traits.mint === 'triggers') return 'start the provider\'s own rotation'
      if (plan.traits.asks?.includes('mint') === true) return `ask a person to make a new credential${fresh === undefined ? '' : `: ${fresh}`}`
      if (made) return `have ${plan.issuer.use} make a new credential${fresh === undefined ? '' : `: ${fresh}`}`
      if (plan.strategy === 'dual-key') return 'make the new key, and seal it: nobody knows it yet'
      return `make ${id(step.which)} accepted with ${step.which === 'new' ? (plan.takesBack === undefined ? 'a new value' : 'the value from before') : 'the old value'}`
    case 'collect':
      return `wait for the provider, and take the credential that it made${fresh === undefined ? '' : `: ${fresh}`}`
    case 'probe':
      return `log in as ${id(step.which)} at ${plan.endpoints.join(', ')}`
    case 'publish':
      if (plan.strategy === 'dual-key') return `${keysText(step, 'write')} in ${plan.stores[step.store]?.title} (${Object.keys(plan.stores[step.store]?.bind ?? {}).join(', ')})`
      return `write ${id(step.which)}${step.beside === undefined ? '' : ', and both under their own names,'} to ${plan.stores[step.store]?.title} (${Object.keys(plan.stores[step.store]?.bind ?? {}).join(', ')})`
    case 'reload':
      return `reload ${plan.waves[step.wave]?.[step.consumer]?.title}${step.pace === 'at-once' ? ', all instances at once' : ''}`
    case 'attest':
      return attestText(plan.waves[step.wave]?.[step.consumer], plan.strategy === 'dual-key' ? keysText(step, 'hold') : id(step.which))
    case 'check':
      return `check until it passes: ${checkTitle((step.list === 'secret' ? plan.checks : plan.postflight)[step.index])}`
    case 'wait':
      return waitText(plan, step)
    case 'watch':
      return `see for ${duration(step.for)} that nobody uses ${id(step.which)}`
    case 'gate':
      if (plan.strategy === 'dual-key') return `gate: every instance signs with the ${step.keeps} key, every store shows it, looked at now`
      return `gate: everything is on ${id(step.keeps)}, nothing on ${id(step.ends)}, looked at now`
    case 'set':
      return (plan.traits.asks?.includes(step.to) === true ? 'ask a person: ' : '') + { on: `turn ${id(step.which)} on again`, off: `turn ${id(step.which)} off and end its sessions`, gone: `end ${id(step.which)} for good` }[step.to]
    case 'forget':
      return `end ${[id('old'), ...(plan.emergency?.inherits ?? []).map((each) => each.id)].join(', ')} and their sessions, at once`
    case 'prove':
      if (step.accepted === undefined) return `see from when on ${id(step.rejected)} is rejected everywhere`
      if (plan.strategy === 'dual-key') return `prove in pairs: what the ${step.accepted} key signs is accepted, what the ${step.rejected} one signs is rejected`
      return `prove in pairs: ${id(step.accepted)} accepted, ${id(step.rejected)} rejected`
    case 'reclaim':
      return 'end what requests of this rotation left behind beside its credential'
    case 'sweep':
      return 'see that nothing unknown is left'
    case 'receipt':
      return 'sign the receipt'
  }
}

/** Two keys in plain words: which one signs, and which one is accepted beside it. */
function keysText({ which, beside }: Shown, verb: 'write' | 'hold'): string {
  const both = beside === undefined ? `the ${which} key alone` : `the ${which} key as the one that signs and the ${beside} one as accepted beside it`
  return verb === 'write' && beside === undefined ? `write ${both}: the ${which === 'new' ? 'old' : 'new'} one is forgotten` : `${verb === 'write' ? 'write ' : ''}${both}`
}

function waitText({ timing }: Plan, { why, for: ms }: Step & { do: 'wait' }): string {
  if (why === 'late') return `wait ${duration(ms)}: what the rotation before left under way may still land`
  if (why === 'undo') return `wait ${duration(ms)}: the undo window`
  if (why === 'pause') return `wait ${duration(ms)} before anything else is reloaded`
  if (why === 'cache') return `wait ${duration(ms)} until whoever verifies has fetched the new key`
  return timing.tokens === undefined ? `wait ${duration(ms)} of grace` : `wait ${duration(ms)} of grace: what the other key signed is alive for up to ${duration(timing.tokens.life)}`
}

/** Says no more than what is shown: without a proof of its own a consumer is only listed, and the gate needs quiet usage. */
function attestText(consumer: PlannedConsumer | undefined, id: string): string {
  if (consumer?.proof === 'none') return `list the instances of ${consumer.title}; nothing proves that they hold ${id}`
  if (consumer?.proof === 'inferred') return `infer for every instance that it holds ${id}`
  return `every instance proves that it holds ${id} (${consumer?.proof})`
}

function checkTitle(check: PlannedCheck | undefined): string {
  return check?.title ?? check?.use ?? ''
}
