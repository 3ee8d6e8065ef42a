import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { generate } from '../../kit/generate.ts'
import type { Credential, Issuer, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { issuerOfKeys } from '../../outside/api-keys.ts'
import { type AdminReply, askAdmin, placeAt, request, resolved, trimmed } from '../../outside/http/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { isOf, type KeyRecord, knownOf, labelOf, likeOf, madeSchema, pageSchema, tellsUse } from './record.ts'

/** So many keys a page has. https://openrouter.ai/docs/guides/overview/auth/management-api-keys */
const PAGE = 100

/** So many pages are read at most; behind them a key may be that is not known. */
const PAGES = 100

/** API keys of one name in an account. A key whose answer was lost is found by the tag in its name. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { name, workspace } = config
  const endpoint = placeAt(config.url)
  const about = `keys ${name} at ${endpoint}`

  const ask = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, call: Call, body?: object): Promise<Answer<AdminReply>> => {
    const token = await resolved(config.admin, host, call)
    if (token.is !== 'done') return token
    return askAdmin({ method, url: `${trimmed(config.url)}/${path}`, token: token.value, ...(body === undefined ? {} : { body }) }, about, call)
  }

  /** Page by page, disabled ones too. */
  async function readAll(call: Call): Promise<Answer<{ readonly records: readonly KeyRecord[]; readonly complete: boolean }>> {
    const records: KeyRecord[] = []
    for (let page = 0; page < PAGES; page += 1) {
      const where = workspace === undefined ? '' : `&workspace_id=${workspace}`
      const answer = await ask('GET', `keys?include_disabled=true&offset=${page * PAGE}${where}`, call)
      if (answer.is !== 'done') return answer
      const parsed = answer.value.status === 200 ? pageSchema.safeParse(answer.value.document) : undefined
      if (parsed?.success !== true) return unknown('RESPONSE_UNFIT', `${about}: the list`, { status: answer.value.status })
      records.push(...parsed.data.data.filter((record) => isOf(name, record)))
      if (parsed.data.data.length < PAGE) return done({ records, complete: true })
    }
    return done({ records, complete: false })
  }

  return issuerOfKeys({
    traits: { value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'tag', slots: config.slots, settle: 10_000, ends: ['off', 'gone'], fields: { key: 'secret' } },
    principal: resourceKey('principal', 'openrouter', endpoint, workspace ?? '', name),
    about,
    endpoints: [endpoint],
    idOf: ({ key }) => (key === undefined ? undefined : labelOf(key)),
    wrong: (current) => ({ ...current, fields: { key: new Secret(`sk-or-v1-${generate('0123456789abcdef', 64)}`) } }),

    async list(call) {
      const all = await readAll(call)
      if (all.is !== 'done') return all
      const { records, complete } = all.value
      const seenUpTo = tellsUse(records) ? host.now() - durationOf(config.lag) : 0
      return done({ known: records.map((record) => knownOf(record, name, host.now(), durationOf(config.recent))), complete, seenUpTo })
    },

    async ahead(current, call) {
      const all = await readAll(call)
      if (all.is !== 'done') return all
      const same = all.value.records.filter(({ label }) => label === current.id)
      const [own] = same
      if (own === undefined || same.length > 1) return refused('PRECONDITION_FAILED', `${same.length} of ${about} have the label of the key in use: one of them has to be made anew by hand`)
      return done([
        ...(tellsUse(all.value.records) ? [] : ['OpenRouter does not say when these keys were used last: set `quiet: 0s` to do without']),
        ...(own.expires_at === null || own.expires_at === undefined ? [] : [`the key in use runs out by itself at ${new Date(own.expires_at).toISOString()}; the new one does not`]),
        ...(own['limit'] === null || own['limit'] === undefined ? [] : ['the new key has the limit of the one in use, and begins with a usage of 0']),
      ])
    },

    /** The new one has the limits of the one that was made last and is on. */
    async make(tag, call): Promise<Answer<Credential>> {
      const all = await readAll(call)
      if (all.is !== 'done') return all.is === 'unknown' ? refused(all.code, all.about, all.evidence) : all
      const [model] = all.value.records.filter(({ disabled }) => !disabled).toSorted((one, other) => (other.created_at ?? '').localeCompare(one.created_at ?? ''))
      if (model === undefined) return refused('PRINCIPAL_MISSING', `none of ${about} is on`)
      const answer = await ask('POST', 'keys', call, likeOf(model, `${name} [${tag}]`, workspace))
      if (answer.is !== 'done') return answer
      const { status, document } = answer.value
      if (status >= 400) return refused('REQUEST_REFUSED', `${about}: a new one`, { status })
      const parsed = madeSchema.safeParse(document)
      const key = parsed.success ? new Secret(parsed.data.key) : undefined
      if (key !== undefined) host.conceal(key)
      // Another label than its own: it could not be told from others later. Its name has the tag, so it is ended.
      if (key === undefined || parsed.data?.data.label !== labelOf(key)) return unknown('RESPONSE_UNFIT', `${about}: a new one`, { status })
      return done({ id: labelOf(key), fields: { key } })
    },

    async turn(id, state, call) {
      const all = await readAll(call)
      if (all.is !== 'done') return all.is === 'unknown' ? refused(all.code, all.about, all.evidence) : all
      const same = all.value.records.filter(({ label }) => label === id)
      const [own] = same
      if (own === undefined) return state === 'gone' ? done(undefined) : refused('PRINCIPAL_MISSING', about)
      if (same.length > 1) return refused('NOT_NOW', `${same.length} of ${about} have this label, and which is meant is not to be told`)
      const answer = state === 'gone' ? await ask('DELETE', `keys/${own.hash}`, call) : await ask('PATCH', `keys/${own.hash}`, call, { disabled: state === 'off' })
      if (answer.is !== 'done') return answer
      const { status } = answer.value
      if (status < 300 || (status === 404 && state === 'gone')) return done(undefined)
      return refused(status === 404 ? 'PRINCIPAL_MISSING' : 'REQUEST_REFUSED', about, { status })
    },

    show: ({ fields: { key } }, _endpoint, call) => proveKey(config.url, key, call),
  })
}

/**
 * Asks what the key is, with the key itself: nothing is used up. 401 is the verdict on a key that is unknown, disabled or deleted; 403 and 402
 * (a limit that is used up) are none. https://openrouter.ai/docs/api/api-reference/api-keys/get-current-api-key
 */
async function proveKey(base: string, key: Secret | undefined, call: Call): Promise<Answer<Verdict>> {
  if (key === undefined) return done({ verdict: 'inconclusive', code: 'no-key' })
  const answer = await request({ method: 'GET', url: `${trimmed(base)}/key`, headers: { accept: 'application/json', authorization: new Secret(`Bearer ${key.reveal()}`) } }, call)
  if (answer.is !== 'done') return answer
  const { status } = answer.value
  if (status >= 500 || status === 429) return unknown('SERVER_ERROR', placeAt(base), { status })
  return done({ verdict: status === 200 ? 'accepted' : status === 401 ? 'rejected' : 'inconclusive', code: String(status) })
}
