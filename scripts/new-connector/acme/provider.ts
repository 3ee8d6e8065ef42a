// <issuer>
import { randomUUID } from 'node:crypto'
// </issuer>
// <issuer attestor>
import { jsonAt } from '../../../src/outside/expectation.ts'
// </issuer attestor>
// <issuer>
import { ALNUM, generate } from '../../../src/kit/generate.ts'
// </issuer>
// <attestor>
import { answerChallenge } from '../../../src/kit/index.ts'
// </attestor>
// <consumer attestor>
import type { Secret } from '../../../src/kit/secret.ts'
// </consumer attestor>

/** One request, and what is answered. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

export interface Reply {
  readonly status: number
  readonly document?: unknown
}

// <issuer>
export interface Key {
  readonly id: string
  readonly owner: string
  readonly label: string
  readonly key: string
  enabled: boolean
  /** Unix ms; absent when nobody has used it. */
  lastUsed?: number
}

// </issuer>
// <consumer attestor>
export interface RunningInstance {
  readonly id: string
  readonly name: string
  readonly started: number
  /** The value that it read when it was started. */
  readonly holds: Secret
}

// </consumer attestor>
/** What the pretended Acme knows. Tests look at it, and change it behind everybody's back. */
export interface Knowledge {
  // <issuer>
  keys: Key[]
  // </issuer>
  // <store>
  readonly settings: Map<string, string>
  /** Grows with every change of the settings. */
  edition: number
  // </store>
  // <consumer attestor>
  instances: RunningInstance[]
  // </consumer attestor>
  // <consumer>
  /** What an instance reads when it is started; nothing is published yet when absent. */
  published?: Secret
  // </consumer>
  // <check>
  health: { readonly status: string; readonly note: string }
  // </check>
  // <notifier>
  readonly messages: { readonly id: string; readonly text: string }[]
  // </notifier>
  // <reference>
  readonly values: Map<string, string>
  // </reference>
}

/** One that knows nothing yet. */
export function newKnowledge(): Knowledge {
  return {
    // <issuer>
    keys: [],
    // </issuer>
    // <store>
    settings: new Map(),
    edition: 1,
    // </store>
    // <consumer attestor>
    instances: [],
    // </consumer attestor>
    // <check>
    health: { status: 'ok', note: '' },
    // </check>
    // <notifier>
    messages: [],
    // </notifier>
    // <reference>
    values: new Map(),
    // </reference>
  }
}

// <issuer>
/** Makes a key, as a request does. */
export function mintKey(knows: Knowledge, owner: string, label: string): Key {
  const key: Key = { id: randomUUID(), owner, label, key: generate(ALNUM, 40), enabled: true }
  knows.keys.push(key)
  return key
}

// </issuer>
type Route = readonly [method: string, path: RegExp, act: (knows: Knowledge, asked: Asked, ...parts: readonly string[]) => Reply]

/** Replace these by the requests of your provider that you use: the same paths, bodies and refusals as in its documentation. */
export const ROUTES: readonly Route[] = [
  // <issuer>
  ['GET', /^\/owners\/([^/]+)\/keys$/, ({ keys }, _asked, owner) => {
    // A list never shows a key itself.
    const ours = keys.filter((one) => one.owner === owner)
    return { status: 200, document: { now: Date.now(), keys: ours.map(({ id, label, enabled, lastUsed }) => ({ id, label, enabled, last_used: lastUsed })) } }
  }],
  ['POST', /^\/owners\/([^/]+)\/keys$/, (knows, { body }, owner = '') => {
    if (knows.keys.filter((one) => one.owner === owner).length >= 2) return { status: 409 }
    const { id, key } = mintKey(knows, owner, String(jsonAt(body, 'label')))
    return { status: 201, document: { id, key } }
  }],
  ['PATCH', /^\/owners\/([^/]+)\/keys\/([^/]+)$/, ({ keys }, { body }, _owner, id) => {
    const found = keys.find((one) => one.id === id)
    if (found === undefined) return { status: 404 }
    found.enabled = jsonAt(body, 'enabled') === true
    return { status: 200, document: {} }
  }],
  ['DELETE', /^\/owners\/([^/]+)\/keys\/([^/]+)$/, (knows, _asked, _owner, id) => {
    if (!knows.keys.some((one) => one.id === id)) return { status: 404 }
    knows.keys = knows.keys.filter((one) => one.id !== id)
    return { status: 200, document: {} }
  }],
  // </issuer>
  // <store>
  ['GET', /^\/projects\/[^/]+\/settings$/, ({ settings, edition }) => ({ status: 200, document: { revision: String(edition), settings: Object.fromEntries(settings) } })],
  ['PATCH', /^\/projects\/[^/]+\/settings$/, (knows, { headers, body }) => {
    if (headers['if-match'] !== String(knows.edition)) return { status: 412 }
    for (const [key, value] of Object.entries(body ?? {})) {
      if (knows.settings.get(key) === (value ?? undefined)) continue
      knows.edition += 1
      if (value === null) knows.settings.delete(key)
      else knows.settings.set(key, String(value))
    }
    return { status: 200, document: { revision: String(knows.edition) } }
  }],
  // </store>
  // <consumer>
  ['GET', /^\/services\/[^/]+\/instances$/, ({ instances }) => ({ status: 200, document: { instances: instances.map(({ id, name, started }) => ({ id, name, started, ready: true })) } })],
  ['POST', /^\/services\/[^/]+\/restart$/, (knows) => {
    const { published } = knows
    knows.instances = knows.instances.map(({ id, name, holds }) => ({ id: `${id}+`, name, started: Date.now(), holds: published ?? holds }))
    return { status: 200, document: {} }
  }],
  // </consumer>
  // <check>
  ['GET', /^\/health$/, ({ health }) => ({ status: 200, document: health })],
  // </check>
  // <attestor>
  ['POST', /^\/instances\/([^/]+)\/attest$/, ({ instances }, { body }, name) => {
    const found = instances.find((one) => one.name === name)
    return found === undefined ? { status: 404 } : { status: 200, document: { answer: answerChallenge(found.holds, String(jsonAt(body, 'nonce'))) } }
  }],
  // </attestor>
  // <notifier>
  ['POST', /^\/channels\/[^/]+\/messages$/, ({ messages }, { body }) => {
    const id = typeof body === 'object' && body !== null && 'id' in body ? String(body.id) : ''
    messages.push({ id, text: JSON.stringify(body) })
    return { status: 202, document: {} }
  }],
  // </notifier>
  // <reference>
  ['GET', /^\/values\/([^/]+)$/, ({ values }, _asked, name = '') => {
    const value = values.get(name)
    return value === undefined ? { status: 404 } : { status: 200, document: { value } }
  }],
  // </reference>
]
