import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/**
 * What befalls one request: `lose-answer`: it is carried out and the connection is cut; `error`: a 500, the server never sees it; `hold`:
 * it reaches the server so many ms later.
 */
export type Mishap = { readonly on: RegExp } & ({ readonly act: 'lose-answer' | 'error' } | { readonly act: 'hold'; readonly ms: number })

export interface FaultyHttp {
  readonly url: string
  /** The next request whose `METHOD /path` matches meets it, once. */
  inject(mishap: Mishap): void
  /** Listens no more, until `start`. */
  stop(): Promise<void>
  /** Listens again, at the same address. */
  start(): Promise<void>
  /** All bodies that clients sent. */
  wire(): string
  close(): Promise<void>
}

/** An HTTP proxy in front of a server that produces the faults of a network and of a server in trouble. */
export async function faultyHttp(target: string): Promise<FaultyHttp> {
  const mishaps: Mishap[] = []
  const bodies: string[] = []
  const late = new Set<Promise<void>>()

  async function forward(request: IncomingMessage, body: string): Promise<Response> {
    const method = request.method ?? 'GET'
    const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' }
    return fetch(`${target}${request.url ?? ''}`, { method, headers, ...(body === '' ? {} : { body }) })
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    bodies.push(body)
    const at = mishaps.findIndex(({ on }) => on.test(`${request.method} ${request.url}`))
    const mishap = at < 0 ? undefined : mishaps.splice(at, 1)[0]
    if (mishap?.act === 'error') {
      response.writeHead(500).end('{}')
      return
    }
    if (mishap?.act === 'hold') await new Promise((resolve) => { setTimeout(resolve, mishap.ms) })
    const answer = await forward(request, body)
    const said = await answer.text()
    if (mishap?.act === 'lose-answer') response.destroy()
    else response.writeHead(answer.status, { date: answer.headers.get('date') ?? '' }).end(said)
  }

  const server = createServer((request, response) => {
    const served = serve(request, response).catch(() => { response.destroy() }).finally(() => late.delete(served))
    late.add(served)
  })
  const listen = (port: number): Promise<void> => new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve) })
  await listen(0)
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => { server.close(resolve) })
  }
  return {
    url: `http://127.0.0.1:${port}`,
    inject: (mishap) => { mishaps.push(mishap) },
    stop,
    start: () => listen(port),
    wire: () => bodies.join('\n'),
    async close() {
      await Promise.all(late)
      await stop()
    },
  }
}
