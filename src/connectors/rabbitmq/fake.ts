import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Secret } from '../../kit/index.ts'
import { startFakeAmqp } from './fake-amqp.ts'
import { passwordHash } from './password-hash.ts'

interface FakeUser {
  hash: string
  tags: readonly string[]
  readonly permissions: Map<string, object>
  readonly topics: Map<string, object>
  readonly limits: Map<string, number>
}

/** A RabbitMQ in this process, as far as the connector uses it: the management API, and logins over AMQP. */
export interface FakeBroker {
  readonly amqpPort: number
  readonly url: string
  readonly admin: { readonly user: string; readonly password: string }
  /** One request of the admin. */
  ask(method: string, path: string, body?: object): Promise<unknown>
  close(): Promise<void>
}

interface Answered {
  readonly status: number
  readonly body?: unknown
}

const MISSING: Answered = { status: 404, body: { error: 'Object Not Found', reason: 'Not Found' } }

/** Starts one on free ports. Paths, statuses and bodies are those of RabbitMQ 3.10.8. */
export async function startFakeBroker(): Promise<FakeBroker> {
  const admin = { user: 'root', password: 'admin-of-the-test' }
  const users = new Map<string, FakeUser>()
  const vhosts = new Map<string, Map<string, number>>()
  const isRight = (user: FakeUser | undefined, password: string): boolean =>
    user !== undefined && user.hash !== '' && passwordHash(new Secret(password), Buffer.from(user.hash, 'base64').subarray(0, 4)) === user.hash
  const amqp = await startFakeAmqp((name, password, vhost) => {
    const user = users.get(name)
    if (user === undefined || !isRight(user, password)) return 'refused'
    if (vhost === undefined) return 'accepted'
    const most = user.limits.get('max-connections') ?? Infinity
    return user.permissions.has(vhost) && [...amqp.open].filter((one) => one.user === name).length < most ? 'accepted' : 'closed'
  })
  users.set(admin.user, { hash: passwordHash(new Secret(admin.password)), tags: ['administrator'], permissions: new Map(), topics: new Map(), limits: new Map() })

  function answer(method: string, path: readonly string[], body: Record<string, unknown>): Answered {
    const [kind = '', first = '', second = '', third = ''] = path
    if (kind === 'whoami') return { status: 200, body: { name: admin.user, tags: ['administrator'] } }
    if (kind === 'overview') return { status: 200, body: { rabbitmq_version: '3.10.8' } }
    if (kind === 'vhosts' && method === 'GET') return { status: 200, body: listed((one) => one.vhost === first) }
    if (kind === 'vhosts') return method === 'PUT' ? put(vhosts, first, new Map()) : drop(vhosts, first)
    if (kind === 'connections') {
      if (method === 'GET') return { status: 200, body: listed((one) => one.user === second) }
      for (const one of amqp.open) {
        if (one.user !== second) continue
        amqp.open.delete(one)
        one.cut()
      }
      return { status: 204 }
    }
    if (kind === 'vhost-limits') {
      const limits = vhosts.get(first)
      if (limits === undefined) return MISSING
      return method === 'PUT' ? put(limits, second, Number(body['value'])) : { status: 200, body: limits.size === 0 ? [] : [{ vhost: first, value: Object.fromEntries(limits) }] }
    }
    if (kind === 'users' && method === 'PUT') return letIn(first, body)
    const user = users.get(kind.includes('permissions') ? second : first)
    if (user === undefined) return MISSING
    if (kind === 'users' && method === 'DELETE') return drop(users, first)
    if (kind === 'users' && second === '') return { status: 200, body: { name: first, tags: user.tags } }
    if (kind === 'users') return { status: 200, body: [...(second === 'permissions' ? user.permissions : user.topics).values()] }
    if (kind === 'permissions') return method === 'PUT' ? put(user.permissions, first, { user: second, vhost: first, ...body }) : drop(user.permissions, first)
    if (kind === 'topic-permissions') return method === 'PUT' ? put(user.topics, first, { user: second, vhost: first, ...body }) : drop(user.topics, first)
    if (kind === 'user-limits' && method === 'GET') return { status: 200, body: user.limits.size === 0 ? [] : [{ user: first, value: Object.fromEntries(user.limits) }] }
    if (kind === 'user-limits') return method === 'PUT' ? put(user.limits, second, Number(body['value'])) : drop(user.limits, second)
    return { status: third === '' ? 405 : 400 }
  }

  function letIn(name: string, { tags, password, password_hash: hash }: Record<string, unknown>): Answered {
    if (typeof tags !== 'string') return { status: 400, body: { error: 'bad_request', reason: 'missing tags' } }
    const kept = typeof password === 'string' ? passwordHash(new Secret(password)) : String(hash)
    const user = users.get(name)
    if (user === undefined) users.set(name, { hash: kept, tags: tags.split(',').filter((tag) => tag !== ''), permissions: new Map(), topics: new Map(), limits: new Map() })
    else Object.assign(user, { hash: kept, tags: tags.split(',').filter((tag) => tag !== '') })
    return { status: user === undefined ? 201 : 204 }
  }

  function listed(which: (one: { readonly user: string; readonly vhost: string }) => boolean): readonly object[] {
    return [...amqp.open].filter(which).map(({ name, user, vhost }) => ({ name, user, vhost, node: 'fake@localhost' }))
  }

  async function serve(request: IncomingMessage): Promise<Answered> {
    const content = await text(request)
    const [name = '', password = ''] = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString().split(':')
    if (!isRight(users.get(name), password)) return { status: 401, body: { error: 'not_authorized', reason: 'Login failed' } }
    if (users.get(name)?.tags.includes('administrator') !== true) return { status: 401, body: { error: 'not_authorised', reason: 'Not administrator user' } }
    const path = (request.url ?? '').replace(/\?.*/, '').split('/').slice(2).map(decodeURIComponent)
    return answer(request.method ?? 'GET', path, content === '' ? {} : (JSON.parse(content) as Record<string, unknown>))
  }

  const server = createServer((request, response) => {
    serve(request).then(({ status, body }) => response.writeHead(status).end(body === undefined ? undefined : JSON.stringify(body)), () => response.destroy())
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    amqpPort: amqp.port, url, admin,
    ask: async (method, path, body = {}) => {
      const { status, body: said } = answer(method, path.split('/').slice(2).map(decodeURIComponent), { ...body })
      if (status >= 400) throw new Error(`${method} ${path}: ${status}`)
      return said
    },
    async close() {
      await amqp.close()
      server.closeAllConnections()
      await new Promise((resolve) => { server.close(resolve) })
    },
  }
}

function put<T>(map: Map<string, T>, key: string, value: T): Answered {
  const status = map.has(key) ? 204 : 201
  map.set(key, value)
  return { status }
}

function drop(map: Map<string, unknown>, key: string): Answered {
  return map.delete(key) ? { status: 204 } : MISSING
}
