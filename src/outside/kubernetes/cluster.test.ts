import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { certify } from '../../../test/fixture/certificates.ts'
import { done } from '../../kit/answer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'
import { type Cluster, openCluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { missingRights } from './review.ts'

const open: FaultyHttp[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const call = () => callWithin(5_000)
const token = generate(ALNUM, 24)
const thing = { api: 'example.io/v1', kind: 'things', namespace: 'atlas', name: 'one' }
const schema = z.looseObject({ metadata: z.looseObject({ name: z.string() }) })

/** An API server that says this to everything. */
async function serve(answer: (asked: HttpAsked) => HttpReply): Promise<{ readonly cluster: Cluster; readonly asked: HttpAsked[] }> {
  const asked: HttpAsked[] = []
  const server = await startFaultyHttp({ isEffect: () => false, answer: (one) => {
    asked.push(one)
    return answer(one)
  } })
  open.push(server)
  return { asked, cluster: openCluster({ server: server.url, tls: {}, token: () => done(new Secret(token)), namespace: 'atlas' }) }
}

const json = (status: number, body: object): HttpReply => ({ status, body: JSON.stringify(body) })
const status = (code: number, reason: string, message = '', more: object = {}): HttpReply => json(code, { kind: 'Status', status: 'Failure', reason, message, code, ...more })

describe('the API of a cluster', () => {
  it('is asked where the resource is, as whom the connection says', async () => {
    const { cluster, asked } = await serve(() => json(200, { metadata: { name: 'one' } }))
    expect(await cluster.get(thing, schema, call())).toMatchObject({ is: 'done', value: { metadata: { name: 'one' } } })
    await cluster.mergePatch(thing, { a: null }, schema, call())
    await cluster.jsonPatch({ ...thing, part: 'status' }, [{ op: 'remove', path: '/a' }], schema, call())
    expect(asked.map(({ method, url, headers, body }) => [method, url, headers['content-type'], body.toString()])).toEqual([
      ['GET', '/apis/example.io/v1/namespaces/atlas/things/one', undefined, ''],
      ['PATCH', '/apis/example.io/v1/namespaces/atlas/things/one?fieldManager=keyturn', 'application/merge-patch+json', '{"a":null}'],
      ['PATCH', '/apis/example.io/v1/namespaces/atlas/things/one/status?fieldManager=keyturn', 'application/json-patch+json', '[{"op":"remove","path":"/a"}]'],
    ])
    for (const { headers } of asked) expect(headers.authorization).toBe(`Bearer ${token}`)
  })

  it('is listed page by page, to the end', async () => {
    const pages: Readonly<Record<string, object>> = { '': { metadata: { continue: 'x y' }, items: [{ metadata: { name: 'one' } }] }, 'x y': { metadata: { continue: '' }, items: [{ metadata: { name: 'two' } }] } }
    const { cluster, asked } = await serve(({ url }) => json(200, pages[new URL(url, 'http://x').searchParams.get('continue') ?? ''] ?? {}))
    const { name: _name, ...all } = thing
    expect(await cluster.list(all, schema, call(), { labels: 'app in (a,b)' })).toMatchObject({ is: 'done', value: [{ metadata: { name: 'one' } }, { metadata: { name: 'two' } }] })
    expect(asked.map(({ url }) => new URL(url, 'http://x').searchParams.get('labelSelector'))).toEqual(['app in (a,b)', 'app in (a,b)'])
  })

  it('tells what is not there from a kind that the server does not know', async () => {
    const { cluster } = await serve(({ url }) => (url.includes('things/one') ? status(404, 'NotFound') : { status: 404, body: '404 page not found\n' }))
    expect(await cluster.get(thing, schema, call())).toEqual({ is: 'done', value: undefined })
    expect(await cluster.get({ ...thing, kind: 'others' }, schema, call())).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED' })
    expect(await cluster.remove(thing, call())).toEqual({ is: 'done', value: undefined })
    expect(await cluster.mergePatch(thing, {}, schema, call())).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED', evidence: { status: 404, reason: 'NotFound' } })
  })

  it.each([
    ['401', status(401, 'Unauthorized'), { is: 'refused', code: 'ADMIN_REJECTED' }],
    ['a right', status(403, 'Forbidden', 'things "one" is forbidden: User "u" cannot patch resource "things" in API group "example.io" in the namespace "atlas"'), { is: 'refused', code: 'RIGHTS_MISSING', about: 'to patch things/one in atlas' }],
    ['a rule', status(403, 'Forbidden', 'admission webhook "policy.example.io" denied the request: no'), { is: 'refused', code: 'REQUEST_REFUSED', about: 'a rule of the cluster forbids to patch things/one in atlas' }],
    ['409', status(409, 'Conflict'), { is: 'refused', code: 'CONFLICT' }],
    ['422', status(422, 'Invalid', 'x', { details: { causes: [{ field: 'data' }] } }), { is: 'refused', code: 'REQUEST_REFUSED', evidence: { reason: 'Invalid', field: 'data' } }],
    ['429', status(429, 'TooManyRequests'), { is: 'refused', code: 'RATE_LIMITED' }],
    ['500', status(500, 'InternalError'), { is: 'unknown', code: 'SERVER_ERROR' }],
    ['504', status(504, 'Timeout'), { is: 'unknown', code: 'SERVER_ERROR' }],
    ['no JSON', { status: 200, body: '<html>' }, { is: 'unknown', code: 'RESPONSE_UNFIT' }],
  ] as const)('says in its own way: %s', async (_, reply, means) => {
    const { cluster } = await serve(() => reply)
    const answer = await cluster.mergePatch(thing, { value: 'hidden' }, schema, call())
    expect(answer).toMatchObject(means)
    expect(JSON.stringify(answer)).not.toContain('hidden')
  })

  it('is shown a client certificate, and has to show one of its own that the connection trusts', async () => {
    const authority = certify({ commonName: 'authority' })
    const [own, client] = [certify({ commonName: 'server', names: ['api.internal'], by: authority }), certify({ commonName: 'keyturn', names: ['keyturn'], by: authority })]
    const server = createServer({ key: own.key, cert: own.cert, ca: authority.cert, requestCert: true, rejectUnauthorized: false }, (asked, response) => {
      const { authorized } = asked.socket as TLSSocket
      response.end(JSON.stringify({ metadata: { name: String(authorized) } }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const at = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const look = (tls: Connection['tls']) => openCluster({ server: at, tls, namespace: 'atlas' }).get(thing, schema, call())
    try {
      const shown = { ca: authority.cert, cert: client.cert, key: new Secret(client.key), servername: 'api.internal' }
      expect(await look(shown)).toMatchObject({ is: 'done', value: { metadata: { name: 'true' } } })
      expect(await look({ ca: authority.cert, servername: 'api.internal' })).toMatchObject({ is: 'done', value: { metadata: { name: 'false' } } })
      const { servername: _servername, ...byAddress } = shown
      expect(await look(byAddress)).toMatchObject({ is: 'refused', code: 'UNREACHABLE', evidence: { cause: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
      expect(await look({})).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
      expect(await look({ unverified: true })).toMatchObject({ is: 'done' })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('says which rights are missing, in the words of RBAC', async () => {
    const { cluster, asked } = await serve(({ body }) => json(201, { status: { allowed: !body.toString().includes('"exec"') } }))
    const rights = [{ verb: 'get', resource: thing }, { verb: 'create', resource: { api: 'v1', kind: 'pods', namespace: 'atlas', part: 'exec' } }] as const
    expect(await missingRights(cluster, rights, call())).toEqual({ is: 'done', value: ['create pods/exec in atlas'] })
    expect(asked.map(({ body }) => (JSON.parse(body.toString()) as { readonly spec: object }).spec)).toEqual([
      { resourceAttributes: { verb: 'get', group: 'example.io', version: 'v1', resource: 'things', namespace: 'atlas', name: 'one' } },
      { resourceAttributes: { verb: 'create', group: '', version: 'v1', resource: 'pods', namespace: 'atlas', subresource: 'exec' } },
    ])
  })
})
