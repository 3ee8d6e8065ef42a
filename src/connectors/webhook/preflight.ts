import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Credential, Observation, Preflight } from '../../kit/issuer.ts'
import type { IssuerConfig } from './issuer-schema.ts'

/** The ways to look that preflight needs. */
export interface Looks {
  observe(): Promise<Answer<Observation>>
  /** Whether the probe can tell a wrong credential from the current one. */
  prove(current: Credential): Promise<Answer<void>>
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
  const meaningful = await looks.prove(current)
  if (meaningful.is !== 'done') return meaningful
  return done({ evidence, fenced: false, notices: noticesOf(config) })
}

function noticesOf({ traits, list, off, gone, mint, probe }: IssuerConfig): string[] {
  const notices = ['unfenced: the provider cannot tell an older owner from a newer one']
  const urls = [mint, list, off, gone, probe].flatMap((asked) => (asked !== undefined && 'url' in asked ? [asked.url].flat() : []))
  if (urls.some((url) => /^http:\/\/(?!localhost[:/]|127\.|\[::1\])/.test(url))) notices.push('values cross the network in clear: the URLs begin with http://')
  if ((off ?? gone) !== undefined && list?.item.uses === undefined && list?.item.lastUsed === undefined) {
    notices.push('the provider does not show whether a credential is in use')
  }
  if ((off ?? gone) === undefined && traits.mint !== 'replaces') notices.push('nothing ends the old credential: the provider or a person has to')
  if (traits.locate === 'none' && !('ask' in mint)) notices.push('a credential whose mint got no answer cannot be found again: look for it at the provider')
  return notices
}
