import { type Answer, type Call, type Credential, done, type Issuer, type Preflight } from '../kit/index.ts'

/** As the issuer's own preflight. With `makes` false nothing is made, so that no room is needed for it: `next` has its place already. */
export async function lookAhead(issuer: Issuer, current: Credential, next: string, makes: boolean, call: Call): Promise<Answer<Preflight>> {
  const seen = await issuer.preflight(current, next, call)
  if (makes || seen.is !== 'refused' || seen.code !== 'SLOTS_FULL') return seen
  return done({ evidence: seen.evidence ?? {}, fenced: false, notices: [] })
}
