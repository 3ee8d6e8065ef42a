import { z } from 'zod'
import { type Answer, type Call, type CredentialState, done, type Host, type Issuer, type Known, type Observation, refused, resourceKey, Secret } from '../../../src/kit/index.ts'
import { request } from '../../../src/outside/http/index.ts'
import { ask, placeOf } from './api.ts'
import type { IssuerConfig } from './manifest.ts'

// Lenient: what a provider adds to its answers some day is no error here.
const listSchema = z.object({
  now: z.number(),
  keys: z.array(z.object({ id: z.string(), label: z.string(), enabled: z.boolean(), last_used: z.number().optional() })),
})
const mintedSchema = z.object({ id: z.string(), key: z.string() })

/** How many keys an owner may have. */
const SLOTS = 2
/** A key that was used within this time is in use, ms. */
const LATELY = 60_000
/** The credential that a mint will make has no id yet; no key of Acme's has this one. */
const PENDING = 'not-minted-yet'

/**
 * Keys of one owner at Acme. Two may be on side by side, Acme makes their values, and a label tells which attempt made one. Read
 * the laws of each method at `Issuer` in src/kit/issuer.ts; `traits` decide which of them the conformance suite applies.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const place = placeOf(config.url)
  const keys = `/owners/${encodeURIComponent(config.owner)}/keys`

  const observe = async (call: Call): Promise<Answer<Observation>> => {
    const answer = await ask(config, { method: 'GET', path: keys }, listSchema, host, call)
    if (answer.is !== 'done') return answer
    const { now, keys: all } = answer.value
    const known = all.map(({ id, label, enabled, last_used: used }): Known => ({
      id,
      state: enabled ? 'on' : 'off',
      uses: used !== undefined && now - used < LATELY ? [{ by: 'somebody-lately', count: 1 }] : [],
      tag: label,
    }))
    // Complete only when the provider promises that a list shows everything: no further page, no delay.
    return done({ known, complete: true, seenUpTo: now, clock: now })
  }

  const set = async (id: string, state: CredentialState, call: Call): Promise<Answer<{ readonly evidence: { readonly state: string } }>> => {
    const path = `${keys}/${encodeURIComponent(id)}`
    const asked = state === 'gone' ? ({ method: 'DELETE', path } as const) : ({ method: 'PATCH', path, body: { enabled: state === 'on' } } as const)
    const answer = await ask(config, asked, z.unknown(), host, call)
    // One that is absent is gone: the call may be a repetition.
    const absent = state === 'gone' && answer.is === 'refused' && answer.code === 'PRINCIPAL_MISSING'
    return answer.is === 'done' || absent ? done({ evidence: { state } }) : answer
  }

  return {
    // `settle`: how long Acme may still act on a request after we have stopped to wait for its answer.
    traits: { value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'tag', slots: SLOTS, settle: 30_000, ends: ['off', 'gone'], fields: { id: 'plain', key: 'secret' } },
    identity: () => resourceKey('principal', 'acme', place, config.owner),
    endpoints: () => [place],
    idOf: ({ id }) => id?.reveal(),
    propose: () => ({ id: PENDING, fields: {} }),
    preflight: async (_current, _next, call) => {
      const seen = await observe(call)
      if (seen.is !== 'done') return seen
      const { length } = seen.value.known
      if (length >= SLOTS) return refused('SLOTS_FULL', `${config.owner} has ${length} keys of ${SLOTS}`, { keys: length })
      // `fenced`: whether Acme itself refuses an older `call.fence`.
      return done({ evidence: { keys: length }, fenced: false, notices: [] })
    },
    observe,
    mint: async ({ tag }, call) => {
      const answer = await ask(config, { method: 'POST', path: keys, body: { label: tag } }, mintedSchema, host, call)
      if (answer.is !== 'done') return answer
      const { id } = answer.value
      const key = new Secret(answer.value.key)
      host.conceal(key)
      return done({ credential: { id, fields: { id: new Secret(id), key } }, evidence: {} })
    },
    probe: async ({ fields }, _endpoint, call) => {
      const headers = { authorization: new Secret(`Bearer ${fields['key']?.reveal() ?? ''}`) }
      const answer = await request({ method: 'GET', url: `${config.url.replace(/\/+$/, '')}/whoami`, headers }, call)
      if (answer.is !== 'done') return answer
      // `rejected` is a verdict on the credential and nothing else; whatever is neither says nothing.
      const { status } = answer.value
      return done({ verdict: status === 200 ? 'accepted' : status === 401 ? 'rejected' : 'inconclusive', code: String(status) })
    },
    set,
    // Every request has a connection of its own.
    close: async () => undefined,
  }
}
