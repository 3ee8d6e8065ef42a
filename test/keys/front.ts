import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One address in front of all instances. */
export interface Front {
  readonly url: string
  /** How often an instance that was not there was gone round. */
  retried(): number
  close(): Promise<void>
}

/**
 * Starts it. A request goes to the instance that its header `x-instance` names, else to the next in turn; one that is not there, because it
 * restarts, is gone round as a load balancer does. What an instance answers is never asked for again.
 */
export async function startFront(ports: readonly number[]): Promise<Front> {
  // A connection for each request: one that is kept may be closed by an instance that restarts while a request is on its way.
  const agent = new Agent({ keepAlive: false })
  let turn = 0
  let retried = 0

  const server = createServer((incoming, response) => {
    const wanted = incoming.headers['x-instance']
    const first = wanted === undefined ? (turn += 1) : Number(wanted)
    text(incoming)
      .then(async (body) => {
        for (let tries = 0; ; tries += 1) {
          const answered = await ask(ports[(first + tries) % ports.length] ?? 0, incoming.method ?? 'GET', incoming.url ?? '/', body)
          if (answered !== undefined) return answered
          retried += 1
          if (tries > 200) return { status: 503, body: '' }
        }
      })
      .then(({ status, body }) => response.writeHead(status).end(body), () => response.writeHead(500).end())
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })

  /** Undefined when nobody took the request: then somebody else may be asked. */
  function ask(port: number, method: string, path: string, body: string): Promise<{ readonly status: number; readonly body: string } | undefined> {
    return new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port, method, path, agent, headers: { 'content-type': 'application/json' } }, (got) => {
        text(got).then((read) => resolve({ status: got.statusCode ?? 500, body: read }), () => resolve(undefined))
      })
      asked.on('error', () => resolve(undefined))
      asked.end(body)
    })
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    retried: () => retried,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
