import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { answerChallenge } from '../../kit/challenge.ts'
import type { Secret } from '../../kit/secret.ts'
import { jsonAt } from '../../outside/expectation.ts'

/**
 * What goes wrong with every request: `slow` never answers, `error` is a 500, `reset` cuts the connection after reading, `half`
 * cuts it in the middle of the body, `redirect` sends elsewhere.
 */
export type Fault = 'none' | 'slow' | 'error' | 'reset' | 'half' | 'redirect'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A small service on loopback, in this process. */
export interface FakeService {
  /** Without a slash at its end. */
  readonly url: string
  fault: Fault
  /** `/readyz` and `/private` answer it as JSON; a text as it is. */
  document: unknown
  /** The value that it holds: what its challenge is answered with at `/keyturn/attest`. */
  holds: Secret | undefined
  /** Header `authorization` or `x-api-key` has to be one of these at `/private`, else 401. */
  readonly accepts: Set<string>
  /** `/stream` sends these one by one, then ends, or not. */
  pieces: readonly string[]
  endless: boolean
  readonly received: Received[]
  /** Stops listening; calls are refused from then on. */
  close(): Promise<void>
}

/** Starts one on a free port. */
export async function startService(): Promise<FakeService> {
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const { method = '', url: path = '', headers } = request
        service.received.push({ method, path, headers, body })
        reply(service, { method, path, headers, body }, response)
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const service: FakeService = {
    url: `http://127.0.0.1:${port}`,
    fault: 'none',
    document: { state: 'ok' },
    holds: undefined,
    accepts: new Set(),
    pieces: [],
    endless: false,
    received: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return service
}

function reply(service: FakeService, { path, headers, body }: Received, response: ServerResponse): void {
  switch (service.fault) {
    case 'slow':
      return
    case 'error':
      send(response, 500, service.document)
      return
    case 'reset':
      response.destroy()
      return
    case 'half':
      response.writeHead(200, { 'content-length': 1_000_000 })
      response.write('{', () => response.destroy())
      return
    case 'redirect':
      response.writeHead(302, { location: `${service.url}/elsewhere` }).end()
      return
    case 'none':
      break
  }
  const pathname = path.replace(/\?.*$/, '')
  if (pathname === '/readyz') send(response, 200, service.document)
  else if (pathname === '/private') {
    const shown = headers.authorization ?? headers['x-api-key']
    const accepted = typeof shown === 'string' && service.accepts.has(shown)
    send(response, accepted ? 200 : 401, accepted ? service.document : {})
  } else if (pathname === '/stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of service.pieces) response.write(`data: ${piece}\n\n`)
    if (!service.endless) response.end()
  } else if (pathname === '/keyturn/attest' && service.holds !== undefined) {
    const nonce = jsonAt(JSON.parse(body), 'nonce')
    send(response, 200, { answer: typeof nonce === 'string' ? answerChallenge(service.holds, nonce) : undefined })
  } else send(response, 404, {})
}

function send(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof document === 'string' ? document : JSON.stringify(document))
}
