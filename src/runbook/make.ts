import { type Asked, FUNCTIONS, type Instruction, variable, word } from '../by-hand/index.ts'
import { fieldsOfBinding } from '../manifest/binding.ts'
import type { Step } from '../plan/step.ts'
import { duration } from '../views/duration.ts'
import { afterwardsOf, escalationsOf, failuresOf, tellOf } from './people.ts'
import type { Fact, Runbook, RunbookStep } from './runbook.ts'
import { elsewhere, type Scene } from './scene.ts'
import { asking, byHand } from './steps.ts'
import { entriesOf, holds, renderEntries, takeFields } from './values.ts'

/** Makes the text of one secret, as data, from its manifest and its plan. Pure; a value gets nowhere near it. */
export function makeRunbook(scene: Scene): Runbook {
  const { manifest, secret, plan, registry } = scene
  const begin = beginning(scene).map((step, index) => ({ ...step, number: index + 1 }))
  const numbered = (steps: readonly Step[], from: number, numberOf: (id: string) => number | undefined): RunbookStep[] =>
    steps.map((step, index) => ({ ...byHand(scene, step, numberOf), number: from + index }))
  const numberOf = (id: string): number | undefined => {
    const at = plan.steps.findIndex((step) => step.id === id)
    return at < 0 ? undefined : begin.length + 1 + at
  }
  const forward = numbered(plan.steps, begin.length + 1, numberOf)
  const back = numbered(plan.back, begin.length + 1 + forward.length, numberOf)
  const used = [secret.issuer, ...secret.stores, ...secret.waves.flat(), ...secret.checks, ...manifest.preflight, ...manifest.postflight]
  return {
    secret: secret.name,
    system: manifest.system,
    environment: manifest.environment,
    facts: factsOf(scene),
    stores: secret.stores.flatMap((store, index) => Object.entries(store.bind).map(([key, binding]) => [plan.stores[index]?.title ?? store.use, key, holds(binding)] as const)),
    consumers: plan.waves.flatMap((wave, at) => wave.map((consumer): Fact => [`wave ${at + 1}`, `${consumer.title}: ${consumer.reload === 'restart' ? 'restarted' : 'reads its configuration again'}`])),
    checks: [...plan.preflight.map((check): Fact => ['before', check.title ?? check.use]), ...plan.checks.map((check): Fact => ['after', check.title ?? check.use]), ...plan.postflight.map((check): Fact => ['after', check.title ?? check.use])],
    tell: tellOf(scene),
    tools: [...new Set(['bash', ...needsOf(scene).flatMap(({ tools = [] }) => tools)])],
    asks: asksOf(scene).map(({ says }) => says),
    begin,
    forward,
    back,
    resume: resumed(scene, begin),
    noReturn: plan.summary.pointOfNoReturn === undefined ? 'Never: the old value can be applied again for as long as somebody has it.' : `Step ${numberOf(plan.summary.pointOfNoReturn) ?? ''} (\`${plan.summary.pointOfNoReturn}\`). From there on there is only the way forward.`,
    failures: [...failuresOf(scene, numberOf, back[0]?.number), ...escalationsOf(scene)],
    afterwards: afterwardsOf(scene),
    links: [...new Set(used.flatMap(({ use }) => registry[use]?.manifest.links ?? []))],
  }
}

function factsOf({ secret, plan, registry }: Scene): readonly Fact[] {
  const often = [secret.every, ...(secret.on ?? []).map((reason) => `on ${reason}`)].filter((one) => one !== undefined)
  return [
    ['owner', secret.owner ?? 'nobody is named'],
    ['how often', often.join(', ') || 'when somebody asks for it'],
    ['state', secret.lifecycle],
    ['who makes it', `${registry[secret.issuer.use]?.manifest.title ?? secret.issuer.use}, ${plan.traits.value === 'made' ? 'who alone knows a new value' : 'with a value that you make'}`],
    ['what it is', Object.entries(plan.traits.fields).map(([name, kind]) => `\`${name}\`${kind === 'plain' ? ' (no secret)' : ''}`).join(', ')],
    ['strategy', `\`${plan.strategy}\`: ${STRATEGY[plan.strategy] ?? 'see the steps'}`],
    ['principal', `\`${plan.principal}\`${plan.endpoints.length === 0 ? '' : `, accepted at ${plan.endpoints.join(', ')}`}`],
    ['users feel', plan.summary.impact],
    ['gap', plan.summary.gap === 0 ? 'none: old and new are accepted side by side' : `about ${duration(plan.summary.gap)} in which new logins fail`],
    ['takes', `${duration(plan.summary.takes)} of work, ${duration(plan.summary.until)} with the waits`],
  ]
}

const STRATEGY: Readonly<Record<string, string>> = {
  overlap: 'a second credential is made beside the old one, then the old one is ended',
  alternate: 'a pair of principals with the same rights, by turns',
  'dual-key': 'old and new are both accepted by whoever checks it, for a while',
  'in-place': 'there is one slot: the new one ends the old one, so everything up to the last consumer follows without a pause',
  'hard-cut': 'sessions end by design, and all instances are replaced at once',
  'provider-managed': 'the provider makes the new one in its own time',
}

function needsOf({ hands }: Scene): readonly { readonly tools?: readonly string[]; readonly asks?: readonly Asked[]; readonly prepare?: string }[] {
  return [hands.issuer, ...hands.stores, ...hands.waves.flat(), ...hands.preflight, ...hands.checks, ...hands.postflight].filter((one) => one !== undefined)
}

/** Each once. What no store shows, the person has to bring as well. */
function asksOf(scene: Scene): readonly Asked[] {
  const asked = [...needsOf(scene).flatMap(({ asks = [] }) => asks), ...unread(scene)]
  return [...new Map(asked.map((one) => [one.variable, one])).values()]
}

/** What stands in the stores that nobody can read in a shell; and fields of the one in use that stand under other keys only. */
function unread({ secret, hands }: Scene): readonly Asked[] {
  const entries = secret.stores.flatMap((store, index) => (hands.stores[index] === undefined ? entriesOf('OLD', index, store).map((entry) => ({ variable: entry.variable, says: `what stands under ${entry.key} now` })) : []))
  const bindings = secret.stores.flatMap(({ bind }) => Object.values(bind))
  const read = new Set(bindings.filter(({ slot }) => slot === undefined).flatMap(fieldsOfBinding))
  const fields = new Set(bindings.flatMap(fieldsOfBinding).filter((field) => !read.has(field)))
  return [...entries, ...[...fields].map((field) => ({ variable: variable('OLD', field), says: `${field} of the one in use` }))]
}

type Unnumbered = Omit<RunbookStep, 'number'>

/** What only a person needs: a shell, what it has to know, the values of now and of then. */
function beginning(scene: Scene): readonly Unnumbered[] {
  const { manifest, secret, plan, hands } = scene
  const asks = asksOf(scene)
  const prepares = [...new Set(needsOf(scene).flatMap(({ prepare = '' }) => (prepare === '' ? [] : [prepare])))]
  const reads = secret.stores.flatMap((store, index) => hands.stores[index]?.read(entriesOf('OLD', index, store)) ?? elsewhere(scene, store.use, 'Look up what stands there.'))
  const taken = takeFields(secret.stores)
  const known = plan.traits.value === 'chosen' || hands.issuer?.propose !== undefined
  const steps: (Unnumbered | undefined)[] = [
    {
      title: 'Open a shell',
      instructions: [{ says: `Start \`bash --noprofile --norc\` on a machine from which all of this can be reached, and type everything into this one shell. It keeps no history, and what it writes only you can read.`, run: `set +o history; umask 077; export LC_ALL=C; cd ${word(manifest.base)}\n${FUNCTIONS}`, }],
    },
    asks.length === 0 ? undefined : { title: 'Enter what no text may hold', instructions: [{ says: `Enter ${asks.map(({ says }) => says).join('; ')}. Nothing is shown.`, run: asking(asks) }] },
    prepares.length === 0 ? undefined : { title: 'Define the commands of this text', instructions: [{ says: 'Functions of the shell, and what they need. Values go to programs by their environment or their input, never as arguments.', run: prepares.join('\n') }] },
    { title: 'Read what is in use', instructions: [...reads, ...(taken === undefined ? [] : [taken])] },
    known ? { title: 'Prepare the new one', instructions: [hands.issuer?.propose ?? elsewhere(scene, secret.issuer.use, `Make a new value, and put it into ${Object.keys(plan.traits.fields).map((field) => variable('NEW', field)).join(', ')}.`), renderEntries(secret.stores)] } : undefined,
  ]
  return steps.filter((step) => step !== undefined)
}

/** How the shell comes back to where it was: what the stores hold is the new one, once it was written there. */
function resumed({ plan, secret }: Scene, begin: readonly RunbookStep[]): readonly Instruction[] {
  const fields = Object.keys(plan.traits.fields)
  const entries = secret.stores.flatMap((store, index) => entriesOf('OLD', index, store))
  const before = begin.filter(({ title }) => title !== 'Prepare the new one').map(({ number }) => number)
  return [
    { says: `Do the steps ${before[0] ?? 1} to ${before.at(-1) ?? 1} again. If the new value was not written to any store yet, go on from there as if nothing had been done: it is made accepted again with another value.` },
    {
      says: 'If it was written, what you have read is the new one. Have the shell know that, and enter the old one from where you kept it.',
      run: [
        ...[...entries.map((entry) => entry.variable), ...fields.map((field) => variable('OLD', field))].map((name) => `NEW${name.slice(3)}=$${name}; unset ${name}`),
        asking(fields.map((field) => ({ variable: variable('OLD', field), says: `${field} of the old one` }))),
      ].join('\n'),
    },
  ]
}
