import { createHash, randomBytes } from 'node:crypto'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** One key of the account. */
export interface FakeKey {
  readonly hash: string
  readonly label: string
  name: string
  disabled: boolean
  limit: number | null
  limit_reset: string | null
  include_byok_in_limit: boolean
  readonly created_at: string
  expires_at: string | null
  last_used_at: string | null
}

/** OpenRouter in this process, as far as the connector and its users ask it. */
export interface FakeOpenRouter extends FaultyHttp {
  /** Of the management key. */
  readonly management: string
  readonly keys: Map<string, FakeKey>
  /** Makes a key without a request, and answers it. */
  make(name: string, more?: Partial<FakeKey>): string
  /** As the list was before it had `last_used_at`. */
  forgetUse(): void
}

/**
 * Starts one on a free port. Paths, statuses and bodies are those of https://openrouter.ai/docs/api/api-reference/api-keys/list and the pages
 * beside it; 401 is `User not found.` for whatever key is not let in, as OpenRouter says it.
 */
export async function startFakeOpenRouter(now: () => number = Date.now): Promise<FakeOpenRouter> {
  const management = `sk-or-v1-${randomBytes(32).toString('hex')}`
  const keys = new Map<string, FakeKey>()
  let tells = true
  const make = (name: string, more: Partial<FakeKey> = {}): string => {
    const key = `sk-or-v1-${randomBytes(32).toString('hex')}`
    const created_at = new Date(now() + keys.size).toISOString()
    keys.set(key, {
      hash: createHash('sha256').update(key).digest('hex'), label: `${key.slice(0, 12)}...${key.slice(-3)}`, name, disabled: false, limit: null, limit_reset: null,
      include_byok_in_limit: false, created_at, expires_at: null, last_used_at: null, ...more,
    })
    return key
  }
  const shown = (record: FakeKey): object => {
    const { last_used_at, ...rest } = record
    return { ...rest, usage: 0, limit_remaining: record.limit, updated_at: null, ...(tells ? { last_used_at } : {}) }
  }

  function answer({ method, url, headers, body }: HttpAsked): HttpReply {
    const { pathname, searchParams } = new URL(url, 'http://openrouter')
    const path = pathname.replace(/^\/api\/v1/, '').replace(/\/$/, '')
    const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1]
    if (bearer === undefined) return failure(401, 'Missing Authentication header')
    if (bearer !== management) return asKey(bearer, path)
    if (path === '/key') return json(200, { data: { label: 'management', is_management_key: true, limit: null, usage: 0 } })
    const [, top, hash] = path.split('/')
    if (top !== 'keys') return failure(403, 'Management keys cannot be used for this')
    if (hash !== undefined) return one(method, hash, body.toString('utf8'))
    if (method === 'POST') return created(JSON.parse(body.toString('utf8')) as Record<string, unknown>)
    const offset = Number(searchParams.get('offset') ?? 0)
    const listed = [...keys.values()].filter(({ disabled }) => !disabled || searchParams.get('include_disabled') === 'true')
    return json(200, { data: listed.slice(offset, offset + 100).map(shown) })
  }

  function asKey(key: string, path: string): HttpReply {
    const record = keys.get(key)
    if (record === undefined || record.disabled || (record.expires_at !== null && Date.parse(record.expires_at) < now())) return failure(401, 'User not found.')
    if (path.startsWith('/keys')) return failure(403, 'Only management keys can perform this operation')
    record.last_used_at = new Date(now()).toISOString()
    if (path === '/key') return json(200, { data: { label: record.label, usage: 0, limit: record.limit, limit_remaining: record.limit, is_free_tier: false, is_management_key: false } })
    if (path === '/chat/completions') return json(200, { id: 'gen-1', object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'an answer of a model' } }] })
    return failure(404, 'Not Found')
  }

  function created({ name, limit, limit_reset, include_byok_in_limit }: Record<string, unknown>): HttpReply {
    if (typeof name !== 'string' || name === '') return failure(400, 'Invalid input: expected string, received undefined at "name"')
    const key = make(name, {
      ...(typeof limit === 'number' ? { limit } : {}), ...(typeof limit_reset === 'string' ? { limit_reset } : {}), ...(typeof include_byok_in_limit === 'boolean' ? { include_byok_in_limit } : {}),
    })
    const record = keys.get(key)
    return json(201, { key, data: record === undefined ? {} : shown(record) })
  }

  function one(method: string, hash: string, text: string): HttpReply {
    const [key, record] = [...keys].find(([, each]) => each.hash === hash) ?? []
    if (key === undefined || record === undefined) return failure(404, 'API key not found')
    if (method === 'DELETE') {
      keys.delete(key)
      return json(200, { deleted: true })
    }
    if (method === 'PATCH') {
      const { disabled, name } = JSON.parse(text) as Partial<FakeKey>
      if (disabled !== undefined) record.disabled = disabled
      if (name !== undefined) record.name = name
    }
    return json(200, { data: shown(record) })
  }

  const server = await startFaultyHttp({ answer, isEffect: ({ method }) => method !== 'GET', serverError: failure(500, 'Internal Server Error') })
  return { ...server, management, keys, make, forgetUse: () => { tells = false } }
}

function json(status: number, body: object): HttpReply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function failure(status: number, message: string): HttpReply {
  return json(status, { error: { message, code: status } })
}
