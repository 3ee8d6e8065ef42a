import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How often each instance is looked at, milliseconds. */
const LOOK = 50

/** What stands before the instances of a service. */
export interface RoundRobin {
  readonly url: string
  /** How many instances say now that they are ready. */
  ready(): number
  /** The fewest that were ready at any look since both were. */
  fewest(): number
  stop(): Promise<void>
}

/** Passes each request to the next instance that said at its last look that it is ready. Nothing is tried twice; 502 says that it failed. */
export async function startRoundRobin(upstreams: readonly string[]): Promise<RoundRobin> {
  const ready = new Set<string>()
  let turn = 0
  let fewest = Infinity
  const look = async (upstream: string): Promise<void> => {
    const well = await new Promise<boolean>((resolve) => {
      get(`${upstream}/readyz`, { agent: false }, (response) => resolve(response.resume().statusCode === 200)).on('error', () => resolve(false))
    })
    if (well) ready.add(upstream)
    else ready.delete(upstream)
    if (ready.size === upstreams.length || fewest !== Infinity) fewest = Math.min(fewest, ready.size)
  }
  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    const all = upstreams.filter((upstream) => ready.has(upstream))
    const upstream = all[turn++ % Math.max(all.length, 1)]
    if (upstream === undefined) {
      response.writeHead(503).end('{"sqlstate":"nobody_ready"}')
      return
    }
    get(`${upstream}${request.url ?? ''}`, { agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502)
      answer.pipe(response)
    }).on('error', () => response.writeHead(502).end('{"sqlstate":"cut"}'))
  }
  const server = createServer(pass)
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const looking = setInterval(() => {
    for (const upstream of upstreams) void look(upstream)
  }, LOOK)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ready: () => ready.size,
    fewest: () => fewest,
    stop: async () => {
      clearInterval(looking)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
