import { inspect } from 'node:util'
import type { Answer } from '../answer.ts'
import type { Call } from '../call.ts'
import type { Credential, Issuer, MintIntent, Verdict } from '../issuer.ts'
import { Secret } from '../secret.ts'
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
    const changed = new Secret(`${text.slice(0, -1)}${text.endsWith('x') ? 'y' : 'x'}`)
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

export async function listed(issuer: Issuer): Promise<readonly (readonly [id: string, state: string])[]> {
  const seen = await issuer.observe(testCall())
  return seen.is === 'done' ? seen.value.known.map((one) => [one.id, one.state] as const) : []
}
