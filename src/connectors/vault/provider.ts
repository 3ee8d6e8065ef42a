import { randomUUID } from 'node:crypto'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { AskedOf, Reply } from './fake.ts'
import { type Handled, numbersIn, numbersOut } from './provider-json.ts'
import { type Engine, handleKv, newEngine } from './provider-kv.ts'
import { handleTransit } from './provider-transit.ts'

interface Token {
  readonly accessor: string
  readonly display_name: string
  readonly role?: string
  readonly meta: Readonly<Record<string, string>> | null
}

interface Role {
  readonly roleId: string
  /** By accessor. */
  readonly secretIds: Map<string, { readonly value: string; readonly metadata: Readonly<Record<string, string>> }>
  /** Failed logins since the last good one. */
  failed: number
  readonly settings: Record<string, unknown>
}

/** What the pretended Vault knows. Tests look at it, and change it behind everybody's back. */
export interface Knowledge {
  sealed: boolean
  readonly tokens: Map<string, Token>
  readonly tokenRoles: Map<string, Record<string, unknown>>
  readonly roles: Map<string, Role>
  /** By mount. */
  readonly engines: Map<string, Engine>
  /** What the policies of everybody but root allow on a path: its capabilities. Everything on others. */
  readonly limits: Map<string, readonly string[]>
  /** Keys of the transit engine by name. */
  readonly keys: Map<string, Uint8Array>
  /** Of an admin who may do everything. */
  readonly root: string
}

/** A Vault that knows nothing yet, and its root token. Its statuses and words are those of Vault 1.21.0: the same suites run on that in test/systems/vault. */
export function newKnowledge(): Knowledge {
  const root = tokenText()
  const token = { accessor: generate(ALNUM, 24), display_name: 'root', meta: null }
  return { sealed: false, tokens: new Map([[root, token]]), tokenRoles: new Map(), roles: new Map(), engines: new Map(), limits: new Map(), keys: new Map(), root }
}

function tokenText(): string {
  return `hvs.${generate(ALNUM, 24)}`
}

/** What an AppRole is when nothing else is said. */
const ROLE = { bind_secret_id: true, secret_id_num_uses: 0, secret_id_ttl: 0, token_max_ttl: 0, token_num_uses: 0 }

function addToken(knows: Knowledge, token: Omit<Token, 'accessor' | 'meta'> & Partial<Token>): { readonly accessor: string; readonly value: string } {
  const [accessor, value] = [generate(ALNUM, 24), tokenText()]
  knows.tokens.set(value, { accessor, meta: null, ...token })
  return { accessor, value }
}

/** What a policy has to allow for a request. */
const CAPABILITIES: Readonly<Record<string, readonly string[]>> = { LIST: ['list'], GET: ['read'], POST: ['create', 'update'], PATCH: ['patch'] }

/** Answers as Vault does. */
export function answerAs(knows: Knowledge): (asked: AskedOf) => Reply {
  return (asked) => {
    const { status, data, document, errors } = handle(knows, asked)
    if (status === 204) return { status, body: '' }
    return { status, body: numbersOut(JSON.stringify(document ?? (data === undefined ? { errors: errors ?? [] } : { data, warnings: null }))) }
  }
}

function handle(knows: Knowledge, { method, path: full, headers, body: text }: AskedOf): Handled {
  if (knows.sealed) return { status: 503, errors: ['Vault is sealed'] }
  const { pathname, searchParams } = new URL(full, 'http://vault')
  const path = pathname.slice('/v1/'.length).split('/').map(decodeURIComponent).join('/')
  const verb = searchParams.get('list') === 'true' ? 'LIST' : method
  const body = (text === '' ? {} : JSON.parse(numbersIn(text))) as Readonly<Record<string, unknown>>
  if (path === 'auth/approle/login') return login(knows, body)
  const token = knows.tokens.get(headers['x-vault-token'] ?? '')
  if (token === undefined) return { status: 403, errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] }
  const limit = token.display_name === 'root' ? undefined : knows.limits.get(path)
  if (limit?.some((one) => (CAPABILITIES[verb] ?? []).includes(one)) === false) return { status: 403, errors: ['1 error occurred:\n\t* permission denied\n\n'] }
  if (path.startsWith('sys/policies/acl/')) return { status: 204 }
  if (path === 'sys/capabilities-self') {
    const paths = body['paths'] as readonly string[]
    return { status: 200, data: Object.fromEntries(paths.map((each) => [each, (token.display_name === 'root' ? undefined : knows.limits.get(each)) ?? ['root']])) }
  }
  return handleTransit(knows.keys, path, body) ?? engine(knows, verb, path, body, searchParams.get('version')) ?? approle(knows, verb, path, body) ?? ofTokens(knows, verb, path, body, headers['x-vault-token'] ?? '') ?? { status: 404, errors: ['no handler for route'] }
}

function engine({ engines }: Knowledge, verb: string, path: string, body: Readonly<Record<string, unknown>>, version: string | null): Handled | undefined {
  const fresh = /^sys\/mounts\/(.*)$/.exec(path)?.[1]
  if (fresh !== undefined) {
    const options = body['options'] as { readonly version: string }
    engines.set(fresh, newEngine(options.version === '2' ? 2 : 1))
    return { status: 204 }
  }
  const inner = /^sys\/internal\/ui\/mounts\/(.*)$/.exec(path)?.[1]
  const [mount, found] = [...engines].find(([name]) => (inner ?? path) === name || (inner ?? path).startsWith(`${name}/`)) ?? []
  if (inner !== undefined && found === undefined) return { status: 403, errors: ['preflight capability check returned 403, please ensure client\'s policies grant access to path "'] }
  if (mount === undefined || found === undefined) return undefined
  if (inner !== undefined) return { status: 200, data: { path: `${mount}/`, type: 'kv', options: { version: String(found.version) } } }
  return handleKv(found, verb, path.slice(mount.length + 1), body, version)
}

function login(knows: Knowledge, { role_id: roleId, secret_id: value }: Readonly<Record<string, unknown>>): Handled {
  const [name, role] = [...knows.roles].find(([, one]) => one.roleId === roleId) ?? []
  const invalid = { status: 400, errors: ['invalid role or secret ID'] }
  if (name === undefined || role === undefined) return invalid
  if (role.failed >= 5) return { status: 403, errors: ['permission denied'] }
  if (![...role.secretIds.values()].some((one) => one.value === value)) {
    role.failed += 1
    return invalid
  }
  role.failed = 0
  const token = addToken(knows, { display_name: 'approle' })
  return { status: 200, document: { auth: { client_token: token.value, accessor: token.accessor } } }
}

function approle(knows: Knowledge, verb: string, path: string, body: Readonly<Record<string, unknown>>): Handled | undefined {
  const [, name = '', rest] = /^auth\/approle\/role\/([^/]+)(?:\/(.*))?$/.exec(path) ?? []
  if (name === '') return undefined
  const role = knows.roles.get(name)
  if (verb === 'POST' && rest === undefined) {
    knows.roles.set(name, { roleId: randomUUID(), secretIds: new Map(), failed: 0, ...role, settings: { ...ROLE, ...role?.settings, ...body } })
    return { status: 204 }
  }
  const none = `role "${name}" does not exist`
  if (role === undefined && rest?.includes('accessor') === true) return { status: 500, errors: [`1 error occurred:\n\t* ${none}\n\n`] }
  if (role === undefined) return rest === 'secret-id' ? { status: verb === 'LIST' ? 400 : 404, errors: [none] } : { status: 404, errors: [] }
  if (verb === 'DELETE') {
    knows.roles.delete(name)
    return { status: 204 }
  }
  const accessor = String(body['secret_id_accessor'])
  if (rest === undefined) return { status: 200, data: role.settings }
  if (rest === 'role-id') return { status: 200, data: { role_id: role.roleId } }
  if (rest === 'secret-id' && verb === 'LIST') return role.secretIds.size === 0 ? { status: 404, errors: [] } : { status: 200, data: { keys: [...role.secretIds.keys()] } }
  if (rest === 'secret-id') {
    const made = { secret_id: randomUUID(), secret_id_accessor: randomUUID(), secret_id_num_uses: 0, secret_id_ttl: 0 }
    role.secretIds.set(made.secret_id_accessor, { value: made.secret_id, metadata: JSON.parse(String(body['metadata'] ?? '{}')) as Record<string, string> })
    return { status: 200, data: made }
  }
  const found = role.secretIds.get(accessor)
  const unfound = [`1 error occurred:\n\t* failed to find accessor entry for secret_id_accessor: "${accessor}"\n\n`]
  if (found === undefined) return { status: rest.endsWith('/lookup') ? 404 : 500, errors: unfound }
  if (rest.endsWith('/lookup')) return { status: 200, data: { metadata: found.metadata, secret_id_accessor: accessor } }
  role.secretIds.delete(accessor)
  return { status: 204 }
}

function ofTokens(knows: Knowledge, verb: string, path: string, body: Readonly<Record<string, unknown>>, self: string): Handled | undefined {
  const byAccessor = [...knows.tokens].find(([, { accessor }]) => accessor === body['accessor'])
  const absent = { status: 400, errors: ['1 error occurred:\n\t* invalid accessor\n\n'] }
  const role = /^auth\/token\/roles\/([^/]+)$/.exec(path)?.[1]
  const made = /^auth\/token\/create(?:-orphan|\/([^/]+))$/.exec(path)
  if (role !== undefined && verb === 'POST') {
    knows.tokenRoles.set(role, body)
    return { status: 204 }
  }
  if (role !== undefined) {
    const found = knows.tokenRoles.get(role)
    return found === undefined ? { status: 404, errors: [] } : { status: 200, data: { orphan: true, renewable: true, ...found } }
  }
  if (made !== null) {
    const { value, accessor } = addToken(knows, { display_name: `token-${String(body['display_name'])}`, ...(made[1] === undefined ? {} : { role: made[1] }), meta: body['meta'] as Record<string, string> })
    return { status: 200, document: { auth: { client_token: value, accessor, orphan: true } } }
  }
  switch (`${verb} ${path}`) {
    case 'LIST auth/token/accessors':
      return { status: 200, data: { keys: [...knows.tokens.values()].map(({ accessor }) => accessor) } }
    case 'GET auth/token/lookup-self':
      return { status: 200, data: knows.tokens.get(self) }
    case 'POST auth/token/revoke-self':
      knows.tokens.delete(self)
      return { status: 204 }
    case 'POST auth/token/lookup-accessor':
      return byAccessor === undefined ? absent : { status: 200, data: { ...byAccessor[1], renewable: true } }
    case 'POST auth/token/renew-accessor':
      return byAccessor === undefined ? absent : { status: 200, document: { auth: {} } }
    case 'POST auth/token/revoke-accessor':
      if (byAccessor === undefined) return absent
      knows.tokens.delete(byAccessor[0])
      return { status: 204 }
    default:
      return undefined
  }
}
