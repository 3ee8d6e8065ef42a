import { overlaps } from '../plan/steps.ts'
import type { Fact } from './runbook.ts'
import type { Scene } from './scene.ts'

/** Whom to tell, and when. Pure. */
export function tellOf({ secret, plan }: Scene): readonly string[] {
  const who = [...new Set([...(secret.owner === undefined ? [] : [secret.owner]), ...(secret.notify ?? [])])].join(', ') || 'whoever is responsible for the system'
  const felt = plan.summary.impact === 'none' ? [] : [`The users, before you begin: ${plan.summary.impact}.`]
  return [...felt, `${who}: that you begin, that you have ended, and every step that did not print what it should.`]
}

/** What to do when a step does not print what it should. Pure. */
export function failuresOf({ plan }: Scene, numberOf: (id: string) => number | undefined, back: number | undefined): readonly Fact[] {
  const first = numberOf(plan.steps.find((step) => step.do === 'mint')?.id ?? '') ?? 1
  const ending = plan.steps.find((step) => step.do === 'set')
  const off = ending === undefined ? undefined : numberOf(ending.id)
  const gone = plan.summary.pointOfNoReturn === undefined ? undefined : numberOf(plan.summary.pointOfNoReturn)
  const overlap = overlaps(plan)
  const way = back === undefined ? 'There is no way back.' : `The way back begins with step ${back}.`
  return [
    ['any step', 'Nothing that got no answer may be taken for done or for not done: look. Every block of commands may be run again, except where it says once. Do not end anything while you are in doubt.'],
    [`before step ${first}`, 'Nothing was changed. Find the cause, and begin again with step 1.'],
    overlap
      ? [off === undefined || off <= first ? `from step ${first} on` : `steps ${first} to ${off - 1}`, `The old one is accepted all the while, nobody waits: take your time, tell, repeat the step. ${way}`]
      : [`from step ${first} on`, `The old one is rejected from here on, and users wait: if the next two steps do not go through at once, go back. ${way}`],
    ...(overlap && off !== undefined ? [[gone === undefined || gone <= off ? `from step ${off} on` : `steps ${off} to ${gone - 1}`, `Somebody needs the old one after all: turn it on again, and go back. ${way}`] as const] : []),
    ...(overlap && gone !== undefined ? [[`from step ${gone} on`, 'There is only the way forward: whoever needs it takes the new one. Begin with the stores and the consumers above.'] as const] : []),
  ]
}

/** What the manifest's escalation table says of this secret: in which case, what to do and whom to ask. Pure. */
export function escalationsOf({ manifest: { routes = [], environment }, secret }: Scene): readonly Fact[] {
  const isAmong = (wanted: readonly string[] | undefined, name: string | undefined): boolean => wanted === undefined || (name !== undefined && wanted.includes(name))
  return routes.flatMap((row): readonly Fact[] => {
    const { advice } = row
    if (advice === undefined || !isAmong(row.secret, secret.name) || !isAmong(row.owner, secret.owner) || !isAmong(row.environment, environment)) return []
    const { actions, contacts, link } = advice
    return [[(row.kind ?? []).join(', '), [...actions, ...(contacts.length === 0 ? [] : [`Ask: ${contacts.join('; ')}.`]), ...(link === undefined ? [] : [`<${link}>`])].join(' ')]]
  })
}

/** What is left to do. Pure. */
export function afterwardsOf({ secret }: Scene): readonly string[] {
  return [
    'Close the shell: with it go the values that it holds. Take the old value out of wherever you kept it in between.',
    `Have keyturn know of it, else its next rotation is refused: \`keyturn adopt ${secret.name} --reason 'rotated by hand'\`, and \`keyturn doctor ${secret.name}\`.`,
  ]
}
