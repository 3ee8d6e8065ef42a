import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Credential, Observation, Preflight, Verdict } from '../../kit/issuer.ts'
import { wrongOf } from './identity.ts'
import type { IssuerConfig } from './issuer-schema.ts'

/** The ways to look that preflight needs. */
export interface Looks {
  readonly endpoints: readonly string[]
  observe(): Promise<Answer<Observation>>
  probe(credential: Credential, endpoint: string): Promise<Answer<Verdict>>
}

/** Whether mint and the ends would work, as far as looking can tell: the admin may list, there is room, and the probe can fail. */
export async function lookAhead(config: IssuerConfig, current: Credential, looks: Looks): Promise<Answer<Preflight>> {
  const { traits, list, principal } = config
  let evidence = {}
  if (list !== undefined) {
    const seen = await looks.observe()
    if (seen.is !== 'done') return seen
    const { known, complete } = seen.value
    const on = known.filter(({ state }) => state === 'on').length
    evidence = { listed: known.length, on }
    const listed = known.find(({ id }) => id === current.id)?.state
    if (listed === undefined ? complete : listed !== 'on') {
      return refused('CREDENTIAL_REJECTED', `${label(current.id)} is ${listed ?? 'not listed'} at ${principal}`, evidence)
    }
    if (traits.mint === 'adds' && on >= (traits.slots ?? 1)) return refused('SLOTS_FULL', `${on} of ${traits.slots ?? 1} at ${principal}`, evidence)
  }
  if (traits.acceptor === 'issuer') {
    for (const endpoint of looks.endpoints) {
      const meaningless = await proveProbe(config, current, endpoint, looks)
      if (meaningless.is !== 'done') return meaningless
    }
  }
  return done({ evidence, fenced: false, notices: noticesOf(config) })
}

/** At this endpoint a wrong credential is rejected and the current one accepted: only then does a verdict mean something (I12). */
async function proveProbe(config: IssuerConfig, current: Credential, endpoint: string, looks: Looks): Promise<Answer<void>> {
  for (const [credential, wanted] of [[wrongOf(config, current), 'rejected'], [current, 'accepted']] as const) {
    const answer = await looks.probe(credential, endpoint)
    if (answer.is !== 'done') return answer
    const { verdict, code } = answer.value
    if (verdict === wanted) continue
    const evidence = { endpoint, code: label(code) }
    if (verdict === 'accepted') return refused('PROBE_MEANINGLESS', endpoint, evidence)
    if (verdict === 'rejected') return refused('CREDENTIAL_REJECTED', endpoint, evidence)
    return refused('PRECONDITION_FAILED', `${endpoint} gives no verdict on a credential that has to be ${wanted}`, evidence)
  }
  return done(undefined)
}

function noticesOf({ traits, list, off, gone, mint }: IssuerConfig): string[] {
  const notices = ['unfenced: the provider cannot tell an older owner from a newer one']
  if (/^http:\/\/(?!localhost[:/]|127\.|\[::1\])/.test(mint.url)) notices.push('values cross the network in clear: the URLs begin with http://')
  if ((off ?? gone) !== undefined && list?.item.uses === undefined && list?.item.lastUsed === undefined) {
    notices.push('the provider does not show whether a credential is in use')
  }
  if ((off ?? gone) === undefined && traits.mint !== 'replaces') notices.push('nothing ends the old credential: the provider or a person has to')
  if (traits.locate === 'none') notices.push('a credential whose mint got no answer cannot be found again: look for it at the provider')
  return notices
}
