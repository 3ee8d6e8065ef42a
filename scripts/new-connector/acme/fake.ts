import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { type Asked, type Knowledge, newKnowledge, type Reply, ROUTES } from './provider.ts'

/**
 * What goes wrong with a request: `slow` is done when nobody waits for the answer any more, `reset` cuts the connection before
 * anything is done, `answer-lost` after it is done; a number is the status of an answer with which nothing is done.
 */
export type Fault = 'none' | 'slow' | 'reset' | 'answer-lost' | number

/** Acme, pretended by a server on loopback, in this process. It never needs a network, an account or a wait. */
export interface Fake {
  readonly url: string
  /** What shows it who asks. */
  readonly token: string
  readonly knows: Knowledge
  /** Of every request from now on. */
  fault: Fault
  /** Of the next one that changes something. */
  next: Fault
  // <reference>
  /** A path of which no answer comes. */
  silent?: string
  // </reference>
  /** Connections are refused from now on. What it knows, it keeps. */
  stop(): Promise<void>
  /** They are taken again, at the same address. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Starts one on a free port. */
export async function startFake(): Promise<Fake> {
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const asked = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: documentOf(body) }
        meet(faultFor(asked, fake), () => reply(asked, request, fake), response)
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  const start = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  await start(0)
  const { port } = server.address() as AddressInfo
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const fake: Fake = {
    url: `http://127.0.0.1:${port}`,
    token: generate(ALNUM, 40),
    knows: newKnowledge(),
    fault: 'none',
    next: 'none',
    stop,
    start: () => start(port),
    close: async () => {
      if (server.listening) await stop()
    },
  }
  return fake
}

function faultFor(asked: Asked, fake: Fake): Fault {
  // <reference>
  if (asked.path === fake.silent) return 'slow'
  // </reference>
  if (fake.next === 'none' || asked.method === 'GET') return fake.fault
  const fault = fake.next
  fake.next = 'none'
  return fault
}

function reply(asked: Asked, { headers }: IncomingMessage, { token, knows }: Fake): Reply {
  // <issuer>
  if (asked.path === '/whoami') {
    const found = knows.keys.find(({ enabled, key }) => enabled && headers.authorization === `Bearer ${key}`)
    return { status: found === undefined ? 401 : 200 }
  }
  // </issuer>
  if (headers.authorization !== `Bearer ${token}`) return { status: 401 }
  for (const [method, path, act] of ROUTES) {
    const found = asked.method === method ? path.exec(asked.path) : null
    if (found !== null) return act(knows, asked, ...found.slice(1).map(decodeURIComponent))
  }
  return { status: 404 }
}

function meet(fault: Fault, act: () => Reply, response: ServerResponse): void {
  if (fault === 'reset') response.destroy()
  else if (fault === 'slow') response.once('close', act)
  else if (fault === 'answer-lost') {
    act()
    response.destroy()
  } else {
    const { status, document }: Reply = typeof fault === 'number' ? { status: fault } : act()
    response.writeHead(status, { 'content-type': 'application/json' }).end(document === undefined ? undefined : JSON.stringify(document))
  }
}

/** Undefined when it is no JSON. */
function documentOf(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
