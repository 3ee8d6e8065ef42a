import { asFloats, type Handled, numberOf } from './provider-json.ts'

/** A secret of version 1 has one edition; of version 2 all of them, the newest last. */
export interface Secret {
  editions: { readonly data: Readonly<Record<string, unknown>>; readonly created: string }[]
  deleted?: true
}

export interface Engine {
  readonly version: 1 | 2
  readonly secrets: Map<string, Secret>
}

/** An engine with nothing in it. */
export function newEngine(version: 1 | 2): Engine {
  return { version, secrets: new Map() }
}

/** Writes a new edition, as a person does too. */
export function put(engine: Engine, name: string, data: Readonly<Record<string, unknown>>): void {
  const secret = engine.secrets.get(name) ?? { editions: [] }
  const edition = { data, created: new Date(Date.now()).toISOString() }
  engine.secrets.set(name, { editions: engine.version === 1 ? [edition] : [...secret.editions, edition] })
}

/** Requests to a KV engine below its mount; `version` is of the query, and null the newest. Vault orders the keys of an object by name. */
export function handleKv(engine: Engine, method: string, below: string, body: Readonly<Record<string, unknown>>, version: string | null): Handled {
  if (engine.version === 1) {
    const newest = engine.secrets.get(below)?.editions.at(-1)
    if (method === 'GET') return newest === undefined ? { status: 404, errors: [] } : { status: 200, data: sorted(newest.data) }
    if (method === 'POST') {
      put(engine, below, body)
      return { status: 204 }
    }
    return { status: 405, errors: ['1 error occurred:\n\t* unsupported operation\n\n'] }
  }
  const name = below.replace(/^data\//, '')
  const secret = engine.secrets.get(name)
  const metadata = { ...metadataOf(secret), deletion_time: '', destroyed: false, custom_metadata: null }
  if (method === 'GET') {
    if (secret === undefined) return { status: 404, errors: [] }
    if (secret.deleted === true) return { status: 404, data: { data: null, metadata: { ...metadata, deletion_time: new Date(Date.now()).toISOString() } } }
    return { status: 200, data: { data: asFloats(sorted(secret.editions.at(version === null ? -1 : Number(version) - 1)?.data ?? {})), metadata } }
  }
  if (method === 'DELETE') {
    if (secret !== undefined) secret.deleted = true
    return { status: 204 }
  }
  const { data, options } = body as { readonly data: Readonly<Record<string, unknown>>; readonly options?: { readonly cas?: unknown } }
  if (method === 'PATCH' && (secret === undefined || secret.deleted === true)) return { status: 404, errors: [] }
  if (options?.cas !== undefined && numberOf(options.cas) !== metadata.version) return { status: 400, errors: ['check-and-set parameter did not match the current version'] }
  put(engine, name, method === 'PATCH' ? merged(secret?.editions.at(-1)?.data ?? {}, data) : data)
  return { status: 200, data: { ...metadata, ...metadataOf(engine.secrets.get(name)) } }
}

function metadataOf(secret: Secret | undefined): { readonly version: number; readonly created_time: string } {
  return { version: secret?.editions.length ?? 0, created_time: secret?.editions.at(-1)?.created ?? '' }
}

/** JSON Merge Patch, RFC 7396, of the first level. */
function merged(data: Readonly<Record<string, unknown>>, patch: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries({ ...data, ...patch }).filter(([, value]) => value !== null))
}

function sorted(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(data).toSorted(([one], [two]) => (one < two ? -1 : 1)))
}
