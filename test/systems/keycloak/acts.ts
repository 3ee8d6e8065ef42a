import { callWithin } from '../../../src/testing/call.ts'
import type { Answer, Call, Credential, Issuer, Verdict } from '../../../src/kit/index.ts'

/** Half a minute: a server may be slow. */
export function call(): Call {
  return callWithin(30_000)
}

/** The value of an answer that has to be done. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value
}

/** Mints the next one; twice it is the same attempt. */
export async function mintNext(issuer: Issuer, current: Credential): Promise<Credential> {
  return valueOf(await issuer.mint({ credential: issuer.propose(current), tag: 'attempt-1' }, call())).credential
}

/** Shows a credential at the one endpoint. */
export function probed(issuer: Issuer, credential: Credential): Promise<Answer<Verdict>> {
  return issuer.probe(credential, issuer.endpoints()[0] ?? '', call())
}
