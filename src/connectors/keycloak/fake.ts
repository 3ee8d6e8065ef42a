import { generate, ALNUM } from '../../kit/generate.ts'
import { type FaultyHttp, type HttpAsked, startFaultyHttp } from '../../testing/faulty-http.ts'
import { answerAdmin } from './fake-admin.ts'
import { type FakeRealm, newRealm } from './fake-realm.ts'
import { answerRealm, answerToken, isLive, json, type Replied } from './fake-token.ts'

/** A Keycloak in this process, as far as the connector and its tests use it. */
export interface FakeKeycloak {
  readonly url: string
  readonly admin: { readonly user: string; readonly password: string }
  close(): Promise<void>
}

/** Starts one on a free port, with the realm `master` and its admin. What it answers was seen on Keycloak 26.4.0: the same suites run on that in test/systems/keycloak. */
export async function startFakeKeycloak(now: () => number = () => Date.now()): Promise<FakeKeycloak> {
  const admin = { user: 'admin', password: generate(ALNUM, 24) }
  const master = newRealm('master')
  master.users.push({ id: 'admin', username: admin.user, enabled: true, requiredActions: [], password: admin.password, before: [], failures: 0, locked: false })
  const realms = new Map([['master', master]])
  const server: FaultyHttp = await startFaultyHttp({ answer: (asked) => answerAs(realms, asked, now()), isEffect: () => false })
  return { url: server.url, admin, close: () => server.close() }
}

function answerAs(realms: Map<string, FakeRealm>, { method, url, headers, body }: HttpAsked, now: number): Replied {
  const { pathname, searchParams } = new URL(url, 'http://keycloak')
  const [top, ...path] = pathname.slice(1).split('/').map(decodeURIComponent)
  const text = body.toString('utf8')
  if (top === 'realms') {
    const [name = '', , , what = '', more = ''] = path
    const realm = realms.get(name)
    if (realm === undefined) return json(404, { error: 'Realm does not exist' })
    const form = new URLSearchParams(text)
    return what === 'token' && more === '' ? answerToken(realm, form, now) : answerRealm(realm, more === '' ? what : more, form, now)
  }
  const token = (headers.authorization ?? '').replace('Bearer ', '')
  const [from] = [...realms.values()].filter((realm) => isLive(realm, token))
  if (top !== 'admin' || from === undefined) return json(401, { error: 'HTTP 401 Unauthorized' })
  const client = from.tokens.get(token)?.client
  const roles = from.clients.find(({ clientId }) => clientId === client)?.roles
  const mayAll = from.name === 'master' && client === undefined
  const content = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  const [, name, ...rest] = path
  if (name === undefined) {
    realms.set(String(content['realm']), newRealm(String(content['realm']), content))
    return { status: 201 }
  }
  const realm = realms.get(name)
  if (realm === undefined) return json(404, { error: 'Realm not found.' })
  if (rest.length === 0 && method === 'DELETE') {
    realms.delete(name)
    return { status: 204 }
  }
  return answerAdmin(realm, { method, path: rest, query: searchParams, body: content, now, at: pathname, may: (...wanted) => mayAll || wanted.some((role) => roles?.has(role)) })
}
