import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One request, and what is answered. */
export interface AskedOf {
  readonly method: string
  /** With `/v1/`, and with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly body: string
}

/**
 * What goes wrong with a request: `slow` is done when nobody waits for the answer any more, `reset` cuts the connection before
 * anything is done, `answer-lost` after it is done; a number is the status of an answer with which nothing is done.
 */
export type Fault = 'none' | 'slow' | 'reset' | 'answer-lost' | number

/** A way to a Vault, pretended or real, that can fail: a server on loopback, in this process. */
export interface Front {
  readonly url: string
  /** Of the next request that changes something. */
  next: Fault
  /** What somebody else does right before that request is acted upon. */
  meanwhile?: () => Promise<unknown>
  /** A part of a path of which no answer comes. */
  silent?: string
  /** Connections are refused from now on. */
  stop(): Promise<void>
  /** They are taken again, at the same address. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Requests that only look, though they are no GET; and those that only bring in and out. */
const LOOKS = /\/(?:lookup|lookup-accessor|capabilities-self|login|revoke-self)$/

/** Starts one on a free port in front of whatever answers. */
export async function startFront(answer: (asked: AskedOf) => Promise<Reply> | Reply): Promise<Front> {
  const server = createServer((request, response) => {
    text(request).then(
      async (body) => {
        const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
        const asked = { method: request.method ?? '', path: request.url ?? '', headers, body }
        const { meanwhile } = front
        if (meanwhile !== undefined && isEffect(asked)) {
          delete front.meanwhile
          await meanwhile()
        }
        await meet(faultOf(asked, front), async () => answer(asked), response)
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    ).catch(() => response.destroy())
  })
  const start = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  await start(0)
  const { port } = server.address() as AddressInfo
  const stop = (): Promise<void> => new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
  const front: Front = {
    url: `http://127.0.0.1:${port}`,
    next: 'none',
    stop,
    start: () => start(port),
    close: async () => {
      if (server.listening) await stop()
    },
  }
  return front
}

function isEffect({ method, path }: AskedOf): boolean {
  return method !== 'GET' && !LOOKS.test(path)
}

function faultOf(asked: AskedOf, front: Front): Fault {
  if (front.silent !== undefined && asked.path.includes(front.silent)) return 'slow'
  if (front.next === 'none' || !isEffect(asked)) return 'none'
  const fault = front.next
  front.next = 'none'
  return fault
}

async function meet(fault: Fault, act: () => Promise<Reply>, response: ServerResponse): Promise<void> {
  if (fault === 'reset') response.destroy()
  else if (fault === 'slow') {
    response.once('close', () => {
      // Nobody waits: what becomes of it is seen by looking.
      act().catch(() => undefined)
    })
  } else if (fault === 'answer-lost') {
    await act()
    response.destroy()
  } else {
    const { status, body } = typeof fault === 'number' ? { status: fault, body: '{"errors":["internal error"]}' } : await act()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
}
