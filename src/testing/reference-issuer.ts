import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { ALNUM, generate } from '../kit/generate.ts'
import type { Credential } from '../kit/issuer.ts'
import { Secret } from '../kit/secret.ts'
import { jsonAt } from '../outside/expectation.ts'
import { request } from '../outside/http/index.ts'
import { callWithin } from './call.ts'
import { type ReferenceKey, ReferenceKeys } from './reference-keys.ts'
import type { ReferenceTraits } from './reference-traits.ts'

/**
 * What befalls a request:
 * - `cut`: the connection is cut before anything is done; `answer-lost`: after it is done.
 * - `error-before`, `error-after`: a 5xx, before and after it is done.
 * - `rate-limited`: a 429, nothing is done.
 * - `slow`: no answer; it is done as soon as nobody waits for one any more.
 * - `duplicate`: it arrives twice, and is done twice; the first answer is given.
 */
export type ReferenceFault = 'cut' | 'answer-lost' | 'error-before' | 'error-after' | 'rate-limited' | 'slow' | 'duplicate'

/** What can be asked: the effects, and the looks `list`, `collect`, `verify` (shows a key) and `work` (uses one). */
export type ReferenceOperation = 'mint' | 'rotate' | 'off' | 'on' | 'gone' | 'list' | 'collect' | 'verify' | 'work'

const EFFECTS: readonly ReferenceOperation[] = ['mint', 'rotate', 'off', 'on', 'gone']
const OPEN: readonly ReferenceOperation[] = ['verify', 'work']

/** The variable in which a child process finds the admin's token; {@link ReferenceIssuer.env} holds it. */
export const REFERENCE_ADMIN = 'KEYTURN_REFERENCE_ADMIN'

/** A provider of keys on loopback, as an HTTP API: in this process, and for any other that can reach the port. */
export interface ReferenceIssuer {
  readonly traits: ReferenceTraits
  /** Without a slash at its end. */
  readonly url: string
  /** The canonical name of the principal `atlas`, whose keys are rotated. */
  readonly principal: string
  readonly env: Readonly<Record<typeof REFERENCE_ADMIN, string>>
  /** The keys themselves, to look at and to change behind everybody's back: `lag`, `untagged`, `patience`, `fill`. */
  readonly keys: ReferenceKeys
  /** Every request so far. Holds values. */
  readonly received: readonly { readonly operation: ReferenceOperation; readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: string }[]
  /** Makes a key without a request: of the principal, or of somebody else. */
  make(owner?: string): Credential
  /** The next requests, effects unless it is said which, meet this fault. */
  arm(fault: ReferenceFault, options?: { readonly on?: ReferenceOperation; readonly times?: number }): void
  /** Works with a key as a consumer does; whether it was accepted. */
  use(credential: Credential): Promise<boolean>
  /** Connections are refused from now on. What it knows, it keeps. */
  stop(): Promise<void>
  /** They are taken again, at the same address. */
  start(): Promise<void>
  close(): Promise<void>
}

interface Asked {
  readonly operation: ReferenceOperation
  readonly owner: string
  readonly id: string
  readonly authorization: string
  readonly idempotencyKey: string | undefined
  readonly body: unknown
}

interface Reply {
  readonly status: number
  readonly document?: unknown
}

/** Starts one with these traits on a free port. `now` is its clock, unix ms. */
export async function startReferenceIssuer(traits: ReferenceTraits, now: () => number = Date.now): Promise<ReferenceIssuer> {
  const keys = new ReferenceKeys(traits)
  const admin = generate(ALNUM, 40)
  const received: ReferenceIssuer['received'][number][] = []
  const faults: { readonly fault: ReferenceFault; readonly on: readonly ReferenceOperation[] }[] = []
  const replies = new Map<string, Reply>()
  const reply = (asked: Asked): Reply => {
    if (!OPEN.includes(asked.operation) && asked.authorization !== `Bearer ${admin}`) return { status: 401, document: { error: 'not_the_admin' } }
    const known = asked.idempotencyKey === undefined ? undefined : replies.get(asked.idempotencyKey)
    const made = known ?? act(keys, asked, now)
    if (asked.idempotencyKey !== undefined) replies.set(asked.idempotencyKey, made)
    return made
  }
  const server = createServer((incoming, response) => {
    text(incoming).then(
      (body) => {
        const asked = readRequest(incoming, body)
        if (asked === undefined) return send(response, { status: 404, document: { error: 'no_such_address' } })
        received.push({ operation: asked.operation, path: incoming.url ?? '', headers: incoming.headers, body })
        const at = faults.findIndex(({ on }) => on.includes(asked.operation))
        return suffer(at === -1 ? undefined : faults.splice(at, 1)[0]?.fault, () => reply(asked), response)
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const principal = `127.0.0.1:${port}/atlas`
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    traits,
    url,
    principal,
    env: { [REFERENCE_ADMIN]: admin },
    keys,
    received,
    make: (owner = 'atlas') => {
      const key = keys.mint(owner, undefined, traits.value === 'chosen' ? generate(ALNUM, 43) : undefined)
      if (key === 'full') throw new Error('every slot is taken')
      return { id: traits.mint === 'replaces' && owner === 'atlas' ? principal : key.id, fields: { token: new Secret(key.value) } }
    },
    arm: (fault, { on, times = 1 } = {}) => {
      for (let time = 0; time < times; time += 1) faults.push({ fault, on: on === undefined ? EFFECTS : [on] })
    },
    use: async ({ fields }) => {
      const headers = { authorization: new Secret(`Bearer ${fields['token']?.reveal() ?? ''}`) }
      const answer = await request({ method: 'POST', url: `${url}/work`, headers }, callWithin(5_000))
      return answer.is === 'done' && answer.value.status === 200
    },
    stop,
    start: () => listen(server, port),
    close: async () => {
      if (server.listening) await stop()
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

const ADDRESSES: readonly (readonly [operation: ReferenceOperation, method: string, path: RegExp])[] = [
  ['list', 'GET', /^\/keys$/],
  ['mint', 'POST', /^\/owners\/([^/]+)\/keys$/],
  ['gone', 'DELETE', /^\/owners\/([^/]+)\/keys\/([^/]+)$/],
  ['off', 'POST', /^\/owners\/([^/]+)\/keys\/([^/]+)\/disable$/],
  ['on', 'POST', /^\/owners\/([^/]+)\/keys\/([^/]+)\/enable$/],
  ['rotate', 'POST', /^\/owners\/([^/]+)\/rotations$/],
  ['collect', 'GET', /^\/owners\/([^/]+)\/rotations\/([^/]+)$/],
  ['verify', 'GET', /^\/verify$/],
  ['work', 'POST', /^\/work$/],
]

function readRequest({ method, url = '', headers }: IncomingMessage, body: string): Asked | undefined {
  for (const [operation, wanted, path] of ADDRESSES) {
    const found = method === wanted ? path.exec(url) : null
    if (found === null) continue
    const [, owner = '', id = ''] = found.map(decodeURIComponent)
    const key = headers['idempotency-key']
    return {
      operation,
      owner,
      id,
      authorization: headers.authorization ?? '',
      idempotencyKey: typeof key === 'string' ? key : undefined,
      body: parsed(body),
    }
  }
  return undefined
}

/** Undefined when it is no JSON. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function suffer(fault: ReferenceFault | undefined, reply: () => Reply, response: ServerResponse): void {
  switch (fault) {
    case 'cut':
      response.destroy()
      return
    case 'answer-lost':
      reply()
      response.destroy()
      return
    case 'error-before':
      send(response, { status: 503, document: { error: 'unavailable' } })
      return
    case 'error-after':
      reply()
      send(response, { status: 500, document: { error: 'internal' } })
      return
    case 'rate-limited':
      send(response, { status: 429, document: { error: 'slow_down' } })
      return
    case 'slow':
      response.once('close', reply)
      return
    case 'duplicate': {
      const first = reply()
      reply()
      send(response, first)
      return
    }
    case undefined:
      send(response, reply())
  }
}

function send(response: ServerResponse, { status, document }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(document === undefined ? undefined : JSON.stringify(document))
}

/** Does what is asked. */
function act(keys: ReferenceKeys, { operation, owner, id, authorization, body }: Asked, now: () => number): Reply {
  const given = (path: string): string | undefined => {
    const found = jsonAt(body, path)
    return typeof found === 'string' ? found : undefined
  }
  switch (operation) {
    case 'list':
      return { status: 200, document: { keys: keys.list().map(shown), more: false, now: now() } }
    case 'mint':
      return minted(keys.mint(owner, given('tag'), given('value')))
    case 'rotate':
      return keys.rotate(owner, given('tag') ?? '') === 'full' ? minted('full') : { status: 202 }
    case 'collect': {
      const brought = keys.collect(owner, id)
      return brought === 'pending' ? { status: 202 } : brought === 'unknown' ? { status: 404 } : minted(brought)
    }
    case 'off':
    case 'on': {
      const key = keys.find(owner, id)
      if (key === undefined) return { status: 404 }
      key.state = operation
      return { status: 204 }
    }
    case 'gone':
      if (keys.find(owner, id) === undefined) return { status: 404 }
      keys.remove(owner, id)
      return { status: 204 }
    case 'verify':
    case 'work': {
      const key = keys.accepts(authorization.replace(/^Bearer /, ''))
      if (key === undefined) return { status: 401, document: { error: 'invalid_key' } }
      if (operation === 'work') key.lastUsed = now()
      return { status: 200, document: { owner: key.owner } }
    }
  }
}

function minted(key: ReferenceKey | 'full'): Reply {
  if (key === 'full') return { status: 409, document: { error: 'slots_full' } }
  return { status: 201, document: { key: { id: key.id, token: key.value } } }
}

/** A key as a list shows it: never its value. */
function shown({ id, owner, state, tag, lastUsed }: ReferenceKey): object {
  const used = lastUsed === undefined ? null : new Date(lastUsed).toISOString()
  return { id, owner, status: state === 'on' ? 'enabled' : 'disabled', label: tag ?? null, last_used: used }
}
