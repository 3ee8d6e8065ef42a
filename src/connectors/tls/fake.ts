import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/**
 * What goes wrong with every connection when the client has begun: `slow` never answers, `error` answers in plain text, `reset`
 * cuts it, `mute` ends it without a word.
 */
export type Fault = 'none' | 'slow' | 'error' | 'reset' | 'mute'

/** A certificate, behind it those that lead to an authority, and the key, as PEM. */
export interface Served {
  readonly cert: string
  readonly key: string
}

/** A server on loopback that speaks TLS, in this process. */
export interface FakeTls {
  readonly port: number
  fault: Fault
  /** What it answers to the SSLRequest of a PostgreSQL client, before the handshake; none is awaited when undefined. */
  postgres: string | undefined
  /** The names that clients asked for. */
  readonly asked: string[]
  /** How many connections are open. */
  open(): number
  /** From now on this is presented. */
  serve(served: Served): void
  /** Stops listening; calls are refused from then on. */
  close(): Promise<void>
}

/** Starts one on a free port. */
export async function startTls(served: Served): Promise<FakeTls> {
  const sockets = new Set<Socket>()
  const answerName = (name: string, answer: (error: null) => void): void => {
    fake.asked.push(name)
    answer(null)
  }
  // A client that has seen enough goes away; that is no matter of the server's.
  const secure = createTlsServer({ ...served, SNICallback: answerName }, (socket) => void socket.on('error', () => socket.destroy()))
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    meet(socket, fake, () => void secure.emit('connection', socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const fake: FakeTls = {
    port,
    fault: 'none',
    postgres: undefined,
    asked: [],
    open: () => sockets.size,
    serve: (next) => secure.setSecureContext(next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return fake
}

function meet(socket: Socket, { fault, postgres }: FakeTls, handOver: () => void): void {
  if (fault === 'slow') return
  if (fault === 'none' && postgres === undefined) {
    handOver()
    return
  }
  socket.once('data', () => {
    if (fault === 'reset') socket.resetAndDestroy()
    else if (fault === 'mute') socket.end()
    else if (fault === 'error') socket.end('-ERR no room\r\n')
    else {
      socket.write(postgres ?? '')
      handOver()
    }
  })
}
