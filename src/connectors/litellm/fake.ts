import { createHash, randomBytes } from 'node:crypto'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** One virtual key, as the proxy keeps it: not itself, but its hash. */
export interface FakeKey {
  readonly token: string
  key_alias: string | null
  blocked: boolean | null
  models: readonly string[]
  metadata: Record<string, unknown>
  max_budget: number | null
  team_id: string | null
  expires: string | null
  readonly created_at: string
  last_active: string | null
}

/** A proxy of LiteLLM in this process, as far as the connector and its users ask it. */
export interface FakeLiteLlm extends FaultyHttp {
  readonly master: string
  readonly keys: Map<string, FakeKey>
  /** Makes a key without a request, and answers it. */
  make(alias: string, more?: Partial<FakeKey>): string
  /** Versions before 1.82 do not say when a key was used last. */
  forgetUse(): void
}

const NOT_FOUND = (shown: string): HttpReply => failure(401, 'token_not_found_in_db', `Authentication Error, Invalid proxy server token passed. Received API Key = sk-...${shown.slice(-4)}, Key Hash (Token) =${hash(shown)}. Unable to find token in cache or \`LiteLLM_VerificationTokenTable\``, 'key')

/**
 * Starts one on a free port. Paths, statuses and words are those of LiteLLM 1.9x: litellm/proxy/auth/user_api_key_auth.py,
 * litellm/proxy/management_endpoints/key_management_endpoints.py and https://docs.litellm.ai/docs/proxy/virtual_keys.
 */
export async function startFakeLiteLlm(now: () => number = Date.now): Promise<FakeLiteLlm> {
  const master = `sk-${randomBytes(16).toString('base64url')}`
  const keys = new Map<string, FakeKey>()
  let tells = true
  const make = (alias: string | null, more: Partial<FakeKey> = {}): string => {
    // 22 characters, as secrets.token_urlsafe(16) makes them.
    const key = `sk-${randomBytes(16).toString('base64url')}`
    const created_at = new Date(now() + keys.size).toISOString()
    keys.set(hash(key), { token: hash(key), key_alias: alias, blocked: null, models: [], metadata: {}, max_budget: null, team_id: null, expires: null, created_at, last_active: null, ...more })
    return key
  }
  const shown = (record: FakeKey): object => {
    const { last_active, ...rest } = record
    return { ...rest, key_name: 'sk-...', spend: 0, user_id: 'default_user_id', ...(tells ? { last_active } : {}) }
  }

  function answer({ method, url, headers, body }: HttpAsked): HttpReply {
    const { pathname, searchParams } = new URL(url, 'http://litellm')
    const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    if (bearer === '') return failure(401, 'auth_error', 'Authentication Error, No api key passed in.')
    if (!bearer.startsWith('sk-')) return failure(401, 'auth_error', `Authentication Error, LiteLLM Virtual Key expected. Received=${bearer.slice(0, 4)}****, expected to start with 'sk-'.`)
    if (bearer !== master) return asKey(bearer, pathname)
    const content = body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as Record<string, unknown>)
    if (method === 'GET' && pathname === '/key/list') return listed(searchParams)
    if (method === 'GET' && pathname === '/v1/models') return json(200, { data: [], object: 'list' })
    if (method !== 'POST') return failure(404, 'None', 'Not Found')
    if (pathname === '/key/generate') return generated(content)
    if (pathname === '/key/delete') return deleted(content)
    const record = keys.get(idOf(String(content['key'] ?? '')))
    if (pathname !== '/key/block' && pathname !== '/key/unblock') return failure(404, 'None', 'Not Found')
    if (record === undefined) return failure(404, 'not_found_error', 'Key not found', 'key')
    record.blocked = pathname === '/key/block'
    return json(200, shown(record))
  }

  function asKey(key: string, pathname: string): HttpReply {
    const record = keys.get(hash(key))
    if (record === undefined) return NOT_FOUND(key)
    if (record.blocked === true) return failure(401, 'auth_error', "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.")
    if (record.expires !== null && Date.parse(record.expires) < now()) return failure(401, 'expired_key', `Authentication Error - Expired Key. Key Expiry time ${record.expires} and current time ${new Date(now()).toISOString()}`)
    if (record.team_id === 'blocked') return failure(401, 'auth_error', 'Authentication Error, Team=blocked is blocked. Update via `/team/unblock` if your admin.')
    if (pathname.startsWith('/key/')) return failure(403, 'auth_error', 'Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams.')
    record.last_active = new Date(now()).toISOString()
    if (pathname === '/v1/models') return json(200, { data: [{ id: 'planner', object: 'model', owned_by: 'openai' }], object: 'list' })
    if (pathname === '/v1/chat/completions') return json(200, { id: 'chatcmpl-1', object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'an answer of a model' } }] })
    return failure(404, 'None', 'Not Found')
  }

  function listed(query: URLSearchParams): HttpReply {
    const [page, size] = [Number(query.get('page') ?? 1), Math.min(100, Number(query.get('size') ?? 10))]
    const all = [...keys.values()]
    const part = all.slice((page - 1) * size, page * size)
    const shownKeys = query.get('return_full_object') === 'true' ? part.map(shown) : part.map(({ token }) => token)
    return json(200, { keys: shownKeys, total_count: all.length, current_page: page, total_pages: Math.ceil(all.length / size) })
  }

  function generated(content: Record<string, unknown>): HttpReply {
    const alias = typeof content['key_alias'] === 'string' ? content['key_alias'] : null
    if (alias !== null && [...keys.values()].some((record) => record.key_alias === alias)) {
      return failure(400, 'bad_request_error', `Key with alias '${alias}' already exists. Unique key aliases across all keys are required.`, 'key_alias')
    }
    const { models, metadata, max_budget, team_id } = content as Partial<FakeKey>
    const key = make(alias, { models: models ?? [], metadata: metadata ?? {}, max_budget: max_budget ?? null, team_id: team_id ?? null })
    const record = keys.get(hash(key))
    return json(200, { ...(record === undefined ? {} : shown(record)), key, token_id: hash(key) })
  }

  function deleted(content: Record<string, unknown>): HttpReply {
    const asked = Array.isArray(content['keys']) ? content['keys'].map((key) => idOf(String(key))) : []
    const there = asked.filter((id) => keys.has(id))
    if (there.length < asked.length || asked.length === 0) return failure(404, 'not_found_error', 'No keys found', 'keys')
    for (const id of there) keys.delete(id)
    return json(200, { deleted_keys: content['keys'] })
  }

  const server = await startFaultyHttp({ answer, isEffect: ({ method }) => method === 'POST', serverError: failure(500, 'internal_server_error', 'Internal Server Error') })
  return { ...server, master, keys, make, forgetUse: () => { tells = false } }
}

/** A key is taken by itself or by its hash. */
function idOf(key: string): string {
  return key.startsWith('sk-') ? hash(key) : key
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function json(status: number, body: object): HttpReply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function failure(status: number, type: string, message: string, param = 'None'): HttpReply {
  return json(status, { error: { message, type, param, code: String(status) } })
}
