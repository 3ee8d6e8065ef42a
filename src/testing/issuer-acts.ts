import { inspect } from 'node:util'
import { type Answer, done, refused, unknown } from '../kit/answer.ts'
import type { Call } from '../kit/call.ts'
import type { Credential, Issuer, MintIntent, Verdict } from '../kit/issuer.ts'
import { Secret } from '../kit/secret.ts'
import { callWithin } from './call.ts'
import type { Fault } from './faults.ts'

/** A call of ten seconds, unless told otherwise. */
export function testCall(options: { readonly within?: number; readonly fence?: number } = {}): Call {
  return callWithin(options.within ?? 10_000, options.fence)
}

/** The answers that are honest after a fault. */
export function expectedAfter(fault: Fault): readonly Answer<unknown>['is'][] {
  if (fault === 'answer-lost') return ['unknown']
  return fault === 'unreachable' ? ['refused'] : ['refused', 'unknown']
}

/** The last of at most ten tries: what came late may stand in the way of the first ones. */
export async function repeated(attempt: () => Promise<Answer<unknown>>): Promise<string> {
  let answer = await attempt()
  for (let tries = 1; tries < 10 && answer.is !== 'done'; tries += 1) answer = await attempt()
  return answer.is === 'done' ? 'done' : inspect(answer)
}

/** What to mint next. */
export function intentOf(issuer: Issuer, current: Credential, tag: string): MintIntent {
  return { credential: issuer.propose(current), tag }
}

/** Every secret field changed at its end, its length kept. */
export function wrong(issuer: Issuer, credential: Credential): Credential {
  const fields = Object.fromEntries(Object.entries(credential.fields).map(([field, value]) => {
    const text = value.reveal()
    // The last character of a base64 text may hold bits that nobody reads.
    const changed = new Secret(`${text.slice(0, -2)}${text.at(-2) === 'x' ? 'yy' : 'xx'}`)
    return [field, issuer.traits.fields[field] === 'secret' ? changed : value]
  }))
  return { id: credential.id, fields }
}

/** The same verdict of all endpoints, or `inconclusive`. */
export async function verdictEverywhere(issuer: Issuer, credential: Credential): Promise<Verdict['verdict']> {
  const verdicts = new Set<Verdict['verdict']>()
  for (const endpoint of issuer.endpoints()) {
    const answer = await issuer.probe(credential, endpoint, testCall())
    verdicts.add(answer.is === 'done' ? answer.value.verdict : 'inconclusive')
  }
  const [first = 'inconclusive'] = verdicts
  return verdicts.size === 1 ? first : 'inconclusive'
}

/** How often a triggered rotation is asked for at most. */
const COLLECTS = 20

/** Mints with this tag and, where the provider takes its time, waits for what comes of it. */
export async function mintWhole(issuer: Issuer, intent: MintIntent): Promise<Answer<Credential>> {
  const answer = await issuer.mint(intent, testCall())
  if (answer.is !== 'done') return answer
  return issuer.traits.mint === 'triggers' ? collected(issuer, intent.tag) : done(answer.value.credential)
}

async function collected(issuer: Issuer, tag: string): Promise<Answer<Credential>> {
  for (let asked = 0; asked < COLLECTS; asked += 1) {
    const answer = await issuer.collect?.(tag, testCall())
    if (answer === undefined) return refused('INTERNAL', 'an issuer that triggers has to collect')
    if (answer.is !== 'done') return answer
    if (answer.value.credential !== undefined) return done(answer.value.credential)
  }
  return unknown('DEADLINE', `not finished after ${COLLECTS} looks`)
}

/**
 * Those that a mint of unknown outcome may have made: by its tag, or by not having been there before. Undefined when the traits
 * give no way to tell, or the issuer lists nothing.
 */
export async function suspectsOf(issuer: Issuer, tag: string, before: readonly string[]): Promise<readonly string[] | undefined> {
  const { locate } = issuer.traits
  if (locate !== 'tag' && locate !== 'baseline') return undefined
  const seen = await issuer.observe(testCall())
  if (seen.is !== 'done' || !seen.value.complete) return undefined
  return seen.value.known.filter((known) => (locate === 'tag' ? known.tag === tag : !before.includes(known.id))).map(({ id }) => id)
}

/**
 * What the engine does about a mint whose outcome is unknown. A chosen value and a triggered rotation are repeated; of a made value
 * what may have come is ended where it can be found, and another one is minted. `full` when what came late takes up the last slot
 * and cannot be ended.
 */
export async function settleMint(issuer: Issuer, intent: MintIntent, before: readonly string[]): Promise<Answer<Credential> | 'full'> {
  const { value, mint, ends } = issuer.traits
  if (value === 'chosen' || mint === 'triggers') {
    const again = await repeated(() => issuer.mint(intent, testCall()))
    if (again !== 'done') return unknown('INTERNAL', again)
    return mint === 'triggers' ? collected(issuer, intent.tag) : done(intent.credential)
  }
  const suspects = mint === 'adds' ? await suspectsOf(issuer, intent.tag, before) : []
  if (ends.includes('gone')) for (const id of suspects ?? []) await issuer.set(id, 'gone', testCall())
  const answer = await mintWhole(issuer, { ...intent, tag: `${intent.tag}-again` })
  const stuck = mint === 'adds' && (suspects === undefined || !ends.includes('gone'))
  return stuck && answer.is === 'refused' && answer.code === 'SLOTS_FULL' ? 'full' : answer
}

export async function listed(issuer: Issuer): Promise<readonly (readonly [id: string, state: string])[]> {
  const seen = await issuer.observe(testCall())
  return seen.is === 'done' ? seen.value.known.map((one) => [one.id, one.state] as const) : []
}

/** Whether the new one ends the old one by itself. */
export function replacesOld({ traits }: Issuer): boolean {
  return traits.mint === 'replaces' || (traits.mint === 'triggers' && traits.slots === 1)
}
