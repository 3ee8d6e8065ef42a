import { z } from 'zod'
import { type Answer, done, label, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, Issuer, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { placeAt, undone } from '../../outside/http/index.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import { openApi } from './api.ts'
import type { ApplicationConfig, IssuerConfig } from './manifest.ts'
import { askToken } from './token.ts'

/** The id of a secret that is not made yet. */
const PENDING = 'pending'

/** No authorization code looks like this, and nobody is sent there. */
const NONE = { code: 'keyturn-probe', redirect_uri: 'https://keyturn.invalid/callback' }

/** https://zitadel.com/docs/reference/api/application/zitadel.application.v2.ApplicationService.GetApplication */
const foundSchema = z.object({
  application: z.object({
    applicationId: z.string(),
    state: z.string().default('APPLICATION_STATE_UNSPECIFIED'),
    oidcConfiguration: z.object({ clientId: z.string(), authMethodType: z.string().default('OIDC_AUTH_METHOD_TYPE_BASIC') }).optional(),
  }),
})
const madeSchema = z.object({ clientSecret: z.string().min(1) })

/** The one secret of an application: whoever makes a new one ends the old one with it, so stores and services follow at once. */
export function openApplication(config: IssuerConfig, { project, id: applicationId, client }: ApplicationConfig, host: Host): Issuer {
  const api = openApi(config, host)
  const endpoint = placeAt(config.url)
  const about = `application ${applicationId} at ${endpoint}`

  /** Whether it is active, and proves itself by a secret. */
  async function look(call: Call): Promise<Answer<{ readonly active: boolean; readonly unfit?: string }>> {
    const found = await api('zitadel.application.v2.ApplicationService/GetApplication', { applicationId }, foundSchema, call)
    if (found.is !== 'done') return found
    const { state, oidcConfiguration: oidc } = found.value?.application ?? {}
    if (found.value === undefined) return refused('PRINCIPAL_MISSING', about)
    const active = state === 'APPLICATION_STATE_ACTIVE'
    if (oidc === undefined) return done({ active, unfit: `${about} is none of OIDC` })
    if (oidc.clientId !== client) return done({ active, unfit: `${about} has another client id than ${client}` })
    return done(/_(BASIC|POST)$/.test(oidc.authMethodType) ? { active } : { active, unfit: `${about} does not prove itself by a secret` })
  }

  /**
   * Shows the secret with a code that is none. Who proved itself hears about the code: `invalid_grant`, and of Zitadel as it is
   * `invalid_request` (its issue 11892), since nothing else of the request is wrong. `invalid_client` it says of a wrong secret, and of an
   * application that is not active; the admin looks which it is. Nothing is issued.
   */
  async function show({ fields: { secret } }: Credential, call: Call): Promise<Answer<Verdict>> {
    if (secret === undefined) return done({ verdict: 'inconclusive', code: 'no-secret' })
    const pair = `${encodeURIComponent(client)}:${encodeURIComponent(secret.reveal())}`
    const basic = new Secret(`Basic ${Buffer.from(pair).toString('base64')}`)
    const answer = await askToken(config.url, { grant_type: 'authorization_code', ...NONE }, basic, call)
    if (answer.is !== 'done') return answer
    const { status, error } = answer.value
    const code = `${status} ${error}`
    if (status === 400 && (error === 'invalid_grant' || error === 'invalid_request')) return done({ verdict: 'accepted', code })
    if (error !== 'invalid_client') return done({ verdict: 'inconclusive', code })
    const seen = await look(call)
    if (seen.is !== 'done') return seen
    return done({ verdict: seen.value.active && seen.value.unfit === undefined ? 'rejected' : 'inconclusive', code })
  }

  async function probe(credential: Credential, at: string, call: Call): Promise<Answer<Verdict>> {
    if (at !== endpoint) return refused('USAGE', `there is no endpoint ${label(at)}`)
    return call.signal.aborted ? refused('DEADLINE', endpoint) : show(credential, call)
  }

  return {
    traits: {
      value: 'made', mint: 'replaces', acceptor: 'issuer', locate: 'none', slots: 1, settle: 15_000, ends: [], fields: { secret: 'secret' }, derivedLife: durationOf(config.derivedLife),
    },
    identity: () => resourceKey('principal', 'zitadel', endpoint, 'application', applicationId),
    endpoints: () => [endpoint],
    idOf: ({ secret }) => (secret === undefined ? undefined : client),
    propose: () => ({ id: PENDING, fields: {} }),
    async preflight(current, _next, call) {
      if (call.signal.aborted) return refused('DEADLINE', endpoint)
      const seen = await look(call)
      if (seen.is !== 'done') return seen
      const { active, unfit } = seen.value
      if (unfit !== undefined || !active) return refused('PRECONDITION_FAILED', unfit ?? `${about} is not active`)
      const shown = { current, wrong: { id: current.id, fields: { secret: new Secret(generate(ALNUM, 64)) } } }
      const unproven = await probePair([endpoint], (which, at) => probe(shown[which], at, call), (verdict, at) => contradiction(verdict, at) ?? refused('PRECONDITION_FAILED', `${at} gives no verdict on a client secret (${label(verdict.code)})`))
      return unproven ?? done({ evidence: { client: label(client) }, fenced: false, notices: [
        'unfenced: Zitadel cannot tell an older owner from a newer one',
        'the old secret is refused from the mint on: logins fail until the service shows the new one',
        `access tokens that were got with the old secret live on, up to ${config.derivedLife}`,
      ] })
    },
    async observe(call) {
      if (call.signal.aborted) return refused('DEADLINE', endpoint)
      const seen = await look(call)
      return seen.is === 'done' ? done({ known: [{ id: client, state: seen.value.active ? 'on' : 'off', uses: [] }], complete: true, seenUpTo: 0 }) : seen
    },
    async mint(_intent, call) {
      if (call.signal.aborted) return refused('DEADLINE', endpoint)
      const seen = await look(call)
      if (seen.is !== 'done') return undone(seen)
      const made = await api('zitadel.application.v2.ApplicationService/GenerateClientSecret', { projectId: project, applicationId }, madeSchema, call)
      if (made.is !== 'done') return made
      if (made.value === undefined) return refused('PRINCIPAL_MISSING', `${about} in project ${project}`)
      const secret = new Secret(made.value.clientSecret)
      host.conceal(secret)
      return done({ credential: { id: client, fields: { secret } }, evidence: { client: label(client) } })
    },
    probe,
    async set(_id, state, call) {
      if (call.signal.aborted) return refused('DEADLINE', endpoint)
      return state === 'on' ? done({ evidence: {} }) : refused('NOT_NOW', `${about} has one secret, which the next one ends`)
    },
    // Every request has a connection of its own.
    close: async () => undefined,
  }
}
