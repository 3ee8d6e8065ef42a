import { type Age, type Asked, type Instruction, variable } from '../by-hand/index.ts'
import type { PlannedCheck } from '../plan/plan.ts'
import type { Needed, Step } from '../plan/step.ts'
import { duration } from '../views/duration.ts'
import { stepText } from '../views/step.ts'
import { AGE, inWords, reread, written } from './keys.ts'
import { elsewhere, type Scene } from './scene.ts'
import type { RunbookStep } from './runbook.ts'
import { entriesOf, renderEntries } from './values.ts'

/** A step of the plan as a person does it, without its number. Pure. */
export function byHand(scene: Scene, step: Step, numberOf: (id: string) => number | undefined): Omit<RunbookStep, 'number'> {
  const text = step.do === 'receipt' ? 'write it down' : stepText(scene.plan, step)
  const title = `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`
  const condition = step.needs === undefined ? undefined : onlyIf(scene, step.needs, numberOf)
  return { title, step: step.id, instructions: instructionsFor(scene, step, title), ...(condition === undefined ? {} : { onlyIf: condition }) }
}

function onlyIf({ plan }: Scene, needed: Needed, numberOf: (id: string) => number | undefined): string | undefined {
  const first = plan.steps.find((step) => ({ minted: step.do === 'mint', known: step.do === 'mint', shown: step.do === 'publish', presented: step.do === 'publish' && step.phase === 'present', ended: step.do === 'set', lost: false })[needed])
  const number = first === undefined ? undefined : numberOf(first.id)
  if (needed === 'lost') return 'only if a request to make it got no answer'
  return number === undefined ? undefined : `only if step ${number} was begun`
}

function instructionsFor(scene: Scene, step: Step, title: string): readonly Instruction[] {
  const { plan, secret, hands } = scene
  const issuer = hands.issuer
  const atIssuer = (made: readonly Instruction[] | Instruction | undefined): readonly Instruction[] => (made === undefined ? [elsewhere(scene, plan.issuer.use, `${title}.`)] : [made].flat())
  switch (step.do) {
    case 'preflight':
      return [
        ...atIssuer(issuer?.look ?? []),
        ...(plan.traits.acceptor === 'issuer' ? atIssuer(issuer?.probe?.('OLD', 'accepted')) : []),
        ...plan.preflight.map((check, index) => checked(scene, check, hands.preflight[index], 'OLD')),
      ]
    case 'mint':
      return [...atIssuer(issuer?.mint?.(AGE[step.which])), ...(plan.traits.value === 'made' && plan.traits.mint !== 'triggers' ? taken(scene) : [])]
    case 'collect':
      return [...atIssuer(undefined), ...bring(scene)]
    case 'probe':
      return atIssuer(issuer?.probe?.(AGE[step.which], 'accepted'))
    case 'publish': {
      const spec = secret.stores[step.store]
      if (spec === undefined) return []
      return [written(step, step.store, spec, hands.stores[step.store]) ?? elsewhere(scene, spec.use, `Put it there: ${inWords(step, step.store, spec)}.`)]
    }
    case 'reload': {
      const use = secret.waves[step.wave]?.[step.consumer]?.use ?? ''
      return hands.waves[step.wave]?.[step.consumer]?.reload(step.pace ?? 'rolling') ?? [elsewhere(scene, use, `${title}.`)]
    }
    case 'attest':
      return [attested(scene, step.wave, step.consumer, AGE[step.which])]
    case 'check': {
      const list = step.list === 'secret' ? plan.checks : plan.postflight
      const check = list[step.index]
      const hand = (step.list === 'secret' ? hands.checks : hands.postflight)[step.index]
      return check === undefined ? [] : [checked(scene, check, hand, AGE[step.which])]
    }
    case 'wait':
      if (step.why === 'cache') return [{ says: `Wait ${duration(step.for)}: whoever verifies has fetched the new key then.` }]
      if (step.why === 'pause') return [{ says: `Wait ${duration(step.for)} before anything else is restarted.` }]
      return [{ says: step.why === 'grace' ? `Wait ${duration(step.for)}, so that whoever took the old one just before has finished. Keep the shell open, or keep the old value where you keep secrets: without it nobody can prove it dead.` : `Wait ${duration(step.for)}. Until this is over the old one can be turned on again: see the way back.` }]
    case 'watch':
      return atIssuer(unused(scene, AGE[step.which], step.for, step.every))
    case 'gate':
      return gate(scene, step)
    case 'set':
      return atIssuer(issuer?.set?.(AGE[step.which], step.to))
    case 'prove':
      return [...(step.accepted === undefined ? [] : atIssuer(issuer?.probe?.(AGE[step.accepted], 'accepted'))), ...atIssuer(issuer?.probe?.(AGE[step.rejected], 'rejected'))]
    case 'reclaim':
      return atIssuer(undefined)
    case 'sweep':
      return [{ says: 'Look at the list of credentials at the issuer once more: besides the new one and what was there before there is nothing.' }]
    case 'receipt':
      return [{ says: 'Write down who did this, when, why, and what the two proofs before printed.' }]
    default:
      return [{ says: `${title}.` }]
  }
}

/** What was made goes into the stores: from the commands that made it, or from the person who saw it. */
function taken(scene: Scene): readonly Instruction[] {
  const issuer = scene.hands.issuer
  if (issuer?.mint === undefined) return bring(scene)
  return issuer.propose === undefined ? [renderEntries(scene.secret.stores)] : []
}

/** The fields that a provider made, from the person who saw them. */
function bring({ plan, secret }: Scene): readonly Instruction[] {
  const fields = Object.keys(plan.traits.fields)
  const asks = fields.map((field): Asked => ({ variable: variable('NEW', field), says: `${field} of the new one` }))
  return [{ says: 'Enter what was made; nothing is shown.', run: asking(asks) }, renderEntries(secret.stores)]
}

/** A block that asks for all of these; in one pair of braces, so that a shell that it is pasted into reads all of it before it asks. Pure. */
export function asking(asks: readonly Asked[]): string {
  return ['{', ...asks.map(({ variable: name, says }) => `[ -n "\${${name}-}" ] || { IFS= read -rsp '${says.replaceAll("'", '')}: ' ${name}; echo; }`), '}'].join('\n')
}

function attested(scene: Scene, wave: number, consumer: number, age: Age): Instruction {
  const { secret, hands, plan } = scene
  const spec = secret.waves[wave]?.[consumer]
  const hand = hands.waves[wave]?.[consumer]
  if (spec?.attest === undefined && hand?.attest !== undefined) {
    const entries = new Map(secret.stores.flatMap((store, index) => entriesOf(age, index, store)).map((entry) => [entry.key, entry]))
    return hand.attest([...entries.values()])
  }
  const other = age === 'NEW' ? 'OLD' : 'NEW'
  const used = hands.issuer?.uses?.(other)
  const name = plan.waves[wave]?.[consumer]?.title ?? ''
  // Of two credentials on one principal, and in place, a session does not tell by which it was opened.
  if (used === undefined || plan.strategy !== 'alternate') return { says: `keyturn has every instance of ${name} prove what it holds. By hand there is only what it does: go on when it has started after the value was written, and the checks pass.` }
  return { ...nobody(used, 30), says: `Every instance of ${name} has moved: the issuer sees no session of the other credential any more. Whoever is left is not reloaded yet, or is not in this text: find out who.` }
}

function checked(scene: Scene, check: PlannedCheck, hand: Scene['hands']['checks'][number], age: Age): Instruction {
  const title = check.title ?? check.use
  if (hand === undefined) return elsewhere(scene, check.use, `Check: ${title}.`)
  const seconds = Math.max(1, Math.ceil((check.within + (check.for ?? 0)) / 1_000))
  const long = check.for === undefined ? '' : ` It has to go on passing for ${duration(check.for)}.`
  return {
    says: `Check, for ${duration(check.within)} at most: ${title}.${long}`,
    run: `passes() ${hand.passes(check.as === undefined ? undefined : age, Object.keys(scene.plan.traits.fields))}\nif within ${seconds} passes; then echo pass; else echo fail; fi`,
    prints: 'pass',
  }
}

/** Looks until nobody uses it. */
function nobody(used: Instruction, seconds: number): Instruction {
  return { says: used.says, run: `nobody() { said=$(\n${used.run ?? ''}\n); [ "$said" = 0 ]; }\nif within ${seconds} nobody; then echo nobody; else echo "$said"; fi`, prints: 'nobody' }
}

function unused({ hands }: Scene, age: Age, long: number, every: number): Instruction | undefined {
  const used = hands.issuer?.uses?.(age)
  if (used === undefined) return undefined
  return {
    says: `See for ${duration(long)} that nobody uses it. If somebody does, find out who, and begin this step again.`,
    run: [
      `nobody() { said=$(\n${used.run ?? ''}\n); [ "$said" = 0 ]; }`,
      `end=$((SECONDS + ${Math.ceil(long / 1_000)}))`,
      `while nobody && [ "$SECONDS" -lt "$end" ]; do sleep ${Math.max(1, Math.ceil(every / 1_000))}; done`,
      'if [ "$said" = 0 ]; then echo nobody; else echo "$said"; fi',
    ].join('\n'),
    prints: 'nobody',
  }
}

/** The questions of the gate, each with its commands where there are some. */
function gate(scene: Scene, step: Step & { readonly do: 'gate' }): readonly Instruction[] {
  const { secret, hands } = scene
  const [keeps, ends] = [AGE[step.keeps], AGE[step.ends]]
  const shown = { which: step.keeps, ...(step.beside === undefined ? {} : { beside: step.beside }) }
  const reads = secret.stores.flatMap((store, index) => reread(shown, index, store, hands.stores[index]) ?? [])
  const accepted = hands.issuer?.probe?.(keeps, 'accepted')
  const used = hands.issuer?.uses?.(ends)
  return [
    { says: 'All of these have to be answered with yes, now, and not from memory. One no, or one that nobody can answer: do not end anything.' },
    ...reads,
    { says: 'Are there exactly the instances that this text names, all of them started or reloaded since the value was written? An old template, a rollback of a deployment or a job at night may have brought an old one back.' },
    ...(accepted === undefined ? [] : [{ ...accepted, says: 'Is the one that stays accepted, at this moment?' }]),
    ...(used === undefined ? [] : [{ ...nobody(used, 10), says: 'Does nobody use the other one?' }]),
  ]
}
