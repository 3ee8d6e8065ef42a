import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, CredentialState, Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { issuerOfKeys } from '../../outside/api-keys.ts'
import { type AdminReply, askAdmin, placeAt, resolved, trimmed } from '../../outside/http/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { proveKey } from './probe.ts'
import { isOf, type KeyRecord, knownOf, likeOf, pageSchema, tellsUse } from './record.ts'

/** Keys in one page; LiteLLM gives no more. */
const PAGE = 100

/** So many pages are read at most; behind them a key may be that is not known. */
const PAGES = 100

const PATHS: Readonly<Record<CredentialState, string>> = { on: 'key/unblock', off: 'key/block', gone: 'key/delete' }

const madeSchema = z.object({ key: z.string().startsWith('sk-') })

/** Virtual keys of one alias. LiteLLM calls a key by its SHA-256, and keeps no two of one alias: a key whose answer was lost is found by the tag in it. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { alias } = config
  const bases = new Map((config.nodes ?? [config.url]).map((base) => [placeAt(base), base]))
  const about = `keys ${alias} at ${placeAt(config.url)}`

  const ask = async (method: 'GET' | 'POST', path: string, call: Call, body?: object): Promise<Answer<AdminReply>> => {
    const token = await resolved(config.admin, host, call)
    if (token.is !== 'done') return token
    return askAdmin({ method, url: `${trimmed(config.url)}/${path}`, token: token.value, ...(body === undefined ? {} : { body }) }, about, call)
  }

  /** Page by page; undefined behind the last one that is read. */
  async function readAll(call: Call): Promise<Answer<{ readonly records: readonly KeyRecord[]; readonly complete: boolean }>> {
    const records: KeyRecord[] = []
    for (let page = 1; page <= PAGES; page += 1) {
      const answer = await ask('GET', `key/list?return_full_object=true&include_team_keys=true&size=${PAGE}&page=${page}`, call)
      if (answer.is !== 'done') return answer
      const parsed = answer.value.status === 200 ? pageSchema.safeParse(answer.value.document) : undefined
      if (parsed?.success !== true) return unknown('RESPONSE_UNFIT', `${about}: the list`, { status: answer.value.status })
      records.push(...parsed.data.keys.filter((record) => isOf(alias, record)))
      if (page >= parsed.data.total_pages) return done({ records, complete: true })
    }
    return done({ records, complete: false })
  }

  const read = async (id: string, call: Call): Promise<Answer<KeyRecord | undefined>> => {
    const all = await readAll(call)
    return all.is === 'done' ? done(all.value.records.find(({ token }) => token === id)) : all
  }

  return issuerOfKeys({
    traits: {
      value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'tag', slots: config.slots, settle: durationOf(config.cached), ends: ['off', 'gone'], fields: { key: 'secret' },
    },
    principal: resourceKey('principal', 'litellm', placeAt(config.url), alias),
    about,
    endpoints: [...bases.keys()],
    idOf: ({ key }) => (key === undefined ? undefined : idOfKey(key)),
    wrong: (current) => ({ ...current, fields: { key: new Secret(`sk-${generate(ALNUM, 22)}`) } }),

    async list(call) {
      const all = await readAll(call)
      if (all.is !== 'done') return all
      const { records, complete } = all.value
      const seenUpTo = tellsUse(records) ? host.now() - durationOf(config.lag) : 0
      return done({ known: records.map((record) => knownOf(record, alias, host.now(), durationOf(config.recent))), complete, seenUpTo })
    },

    async ahead(current, call) {
      const admin = await resolved(config.admin, host, call)
      if (admin.is !== 'done') return admin
      if (idOfKey(admin.value) === current.id) return refused('PRINCIPAL_IN_USE', `keyturn itself works with the key that is to be ended, of ${about}: give it the master key`)
      const found = await read(current.id, call)
      if (found.is !== 'done') return found
      return done(noticesOf(found.value, config))
    },

    /** The new one may do what the one may that was made last and is on. */
    async make(tag, call): Promise<Answer<Credential>> {
      const all = await readAll(call)
      if (all.is !== 'done') return all.is === 'unknown' ? refused(all.code, all.about, all.evidence) : all
      const on = all.value.records.filter(({ blocked }) => blocked !== true).toSorted((one, other) => (other.created_at ?? '').localeCompare(one.created_at ?? ''))
      const [model] = on
      if (model === undefined) return refused('PRINCIPAL_MISSING', `none of ${about} is on`)
      const answer = await ask('POST', 'key/generate', call, likeOf(model, `${alias}/${tag}`, config.duration))
      if (answer.is !== 'done') return answer
      const { status, document } = answer.value
      if (status >= 400) return refused('REQUEST_REFUSED', `${about}: a new one`, { status })
      const parsed = madeSchema.safeParse(document)
      if (!parsed.success) return unknown('RESPONSE_UNFIT', `${about}: a new one`, { status })
      const key = new Secret(parsed.data.key)
      host.conceal(key)
      return done({ id: idOfKey(key), fields: { key } })
    },

    /** By the hash, never by the alias: what is ended is what was recorded (I5). */
    async turn(id, state, call) {
      const answer = await ask('POST', PATHS[state], call, state === 'gone' ? { keys: [id] } : { key: id })
      if (answer.is !== 'done') return answer
      const { status } = answer.value
      if (status < 300 || (status === 404 && state === 'gone')) return done(undefined)
      return refused(status === 404 ? 'PRINCIPAL_MISSING' : 'REQUEST_REFUSED', about, { status })
    },

    show: ({ fields: { key } }, endpoint, call) => proveKey(bases.get(endpoint) ?? config.url, key, call),
  })
}

function idOfKey(key: Secret): string {
  return createHash('sha256').update(key.reveal(), 'utf8').digest('hex')
}

function noticesOf(record: KeyRecord | undefined, { cached }: IssuerConfig): readonly string[] {
  return [
    `other workers and instances of the proxy go by what they know of a key for up to ${cached}`,
    'the new key begins with a spend of 0: what is left of a budget is not taken over',
    ...(record !== undefined && !('last_active' in record) ? ['this LiteLLM does not say when a key was used last: set `quiet: 0s` to do without'] : []),
    ...(record?.expires === null || record?.expires === undefined ? [] : [`the key in use runs out by itself at ${new Date(record.expires).toISOString()}`]),
    ...(record?.object_permission_id === null || record?.object_permission_id === undefined ? [] : ['the key in use has rights to MCP servers, agents or vector stores, which are not taken over']),
  ]
}
