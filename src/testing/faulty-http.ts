import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as ask, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Fault } from './faults.ts'

/** A request as it came in. Holds values. */
export interface HttpAsked {
  readonly method: string
  /** With the query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface HttpReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A server on loopback that can fail: a fake, or what stands before a real one. */
export interface FaultyHttp {
  /** Without a slash at its end. */
  readonly url: string
  /** The next effect meets this fault, once. With `unreachable` connections are refused until {@link FaultyHttp.restart}. */
  inject(fault: Exclude<Fault, 'full'>): Promise<void>
  /** Takes connections again; nothing when it does already. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface FaultyHttpOptions {
  /** What answers: of this process, or {@link forwardTo} a real server. */
  readonly answer: (asked: HttpAsked) => HttpReply | Promise<HttpReply>
  /** Which requests change something, and so meet the fault. */
  readonly isEffect: (asked: HttpAsked) => boolean
  /** The error of the server's own; 503 without a body when absent. */
  readonly serverError?: HttpReply
  /** Takes connections that are to become something else, a WebSocket; they are cut when absent. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

/** Starts one on a free port. */
export async function startFaultyHttp({ answer, isEffect, serverError = { status: 503 }, upgrade }: FaultyHttpOptions): Promise<FaultyHttp> {
  let armed: Exclude<Fault, 'full' | 'unreachable'> | undefined
  // What is done late is done before anything that is asked after it, or each run of a test would see another order.
  let late: Promise<unknown> = Promise.resolve()
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body: await buffer(incoming) }
    const fault = isEffect(asked) ? armed : undefined
    if (fault !== undefined) armed = undefined
    if (fault === 'server-error') return send(response, serverError)
    if (fault === 'slow') {
      // It is done as soon as nobody waits for it any more.
      const done = new Promise((resolve) => { response.once('close', resolve) }).then(() => answer(asked))
      late = done.catch(() => response.destroy())
      return void await late
    }
    await late
    const reply = await answer(asked)
    if (fault === 'answer-lost') response.destroy()
    else send(response, reply)
  }
  const server = createServer((incoming, response) => {
    // The client went away in the middle, or the server behind is not there.
    handle(incoming, response).catch(() => response.destroy())
  })
  if (upgrade !== undefined) server.on('upgrade', upgrade)
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async inject(fault) {
      if (fault === 'unreachable') await stop()
      else armed = fault
    },
    async restart() {
      if (!server.listening) await listen(server, port)
    },
    close: stop,
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function send(response: ServerResponse, { status, headers = {}, body }: HttpReply): void {
  response.writeHead(status, { ...headers }).end(body)
}

/** Passes a request on as it is, its `host` too: signatures stay valid. `server` is an http URL. */
export function forwardTo(server: string): (asked: HttpAsked) => Promise<HttpReply> {
  return async ({ method, url, headers, body }) => {
    const { connection: _, ...kept } = headers
    const sending = ask(new URL(server), { method, path: url, headers: kept, agent: false })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sending.once('response', resolve).once('error', reject).end(body)
    })
    const given = ['content-type', 'date', 'x-amz-request-id', 'x-amzn-requestid', 'etag'].flatMap((name) => {
      const value = response.headers[name]
      return typeof value === 'string' ? [[name, value] as const] : []
    })
    return { status: response.statusCode ?? 502, headers: Object.fromEntries(given), body: await buffer(response) }
  }
}
