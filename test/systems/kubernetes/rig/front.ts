import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { ControlPlane } from './control-plane.ts'

/** What stands before the pods of a Service, as kube-proxy does. */
export interface Front {
  readonly url: string
  /** How many endpoints are ready now. */
  ready(): number
  /** Addresses of all that ever were. */
  readonly seen: ReadonlySet<string>
  stop(): Promise<void>
}

/** The part of an EndpointSlice that it needs. */
interface Slice {
  readonly metadata: { readonly name: string }
  readonly endpoints?: readonly { readonly addresses: readonly string[]; readonly conditions: { readonly ready?: boolean } }[] | null
  readonly ports?: readonly { readonly port: number }[] | null
}

/**
 * Passes each request on to the next ready endpoint of a Service in the namespace `default`, following its EndpointSlices with a watch.
 * Nothing is tried twice: 502 says that a pod did not answer, 503 that none is ready, 504 that the watch has ended.
 */
export async function startFront({ url, ca, adminToken }: ControlPlane, service: string): Promise<Front> {
  const slices = new Map<string, readonly string[]>()
  const seen = new Set<string>()
  let turn = 0
  let broken = false
  const readyNow = (): readonly string[] => [...slices.values()].flat()
  const note = (line: string): void => {
    const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: Slice }
    const port = object.ports?.[0]?.port ?? 0
    const all = (object.endpoints ?? []).filter(({ conditions }) => conditions.ready === true).flatMap(({ addresses }) => addresses).map((address) => `http://${address}:${port}`)
    slices.set(object.metadata.name, type === 'DELETED' ? [] : all)
    for (const each of all) seen.add(each)
  }
  const path = `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?watch=true&labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${service}`)}`
  const watch = request(`${url}${path}`, { ca, agent: false, headers: { authorization: `Bearer ${adminToken}` } })
  const end = (): void => { broken = true }
  watch.on('response', (response) => createInterface({ input: response.on('error', end) }).on('line', note).on('error', end).on('close', end))
  watch.on('error', end).end()

  const pass = (asked: IncomingMessage, response: ServerResponse): void => {
    const all = readyNow()
    const upstream = all[turn++ % Math.max(all.length, 1)]
    if (broken || upstream === undefined) {
      response.writeHead(broken ? 504 : 503).end('{"sqlstate":"nobody_ready"}')
      return
    }
    get(`${upstream}${asked.url ?? ''}`, { agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502)
      answer.pipe(response)
    }).on('error', () => response.writeHead(502).end('{"sqlstate":"cut"}'))
  }
  const server = createServer(pass)
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ready: () => readyNow().length,
    seen,
    async stop() {
      watch.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
