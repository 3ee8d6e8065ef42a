import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/**
 * What befalls one statement:
 * - `cut`: the connection is cut and the server never sees it.
 * - `lose-answer`: the server carries it out, and the connection is cut before the client hears so.
 * - `error`: the client gets this SQLSTATE, the server never sees it.
 * - `hold`: it reaches the server so many ms later, even when the client has gone by then.
 */
export type Mishap =
  | { readonly on: RegExp; readonly act: 'cut' | 'lose-answer' }
  | { readonly on: RegExp; readonly act: 'error'; readonly sqlstate: string }
  | { readonly on: RegExp; readonly act: 'hold'; readonly ms: number }

export interface FaultyProxy {
  readonly port: number
  /** The next statement that matches meets it, once. */
  inject(mishap: Mishap): void
  /** Cuts what is open, and so many of the next connections at once. */
  refuseNext(connections: number): void
  /** All bytes that clients sent, as latin1 text. */
  wire(): string
  /** Ends what is open. May be repeated. */
  close(): Promise<void>
}

/**
 * A TCP proxy in front of a real PostgreSQL that knows where a statement starts and ends, and produces the faults of a network
 * and of a server in trouble. Without TLS. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export async function faultyProxy(server: { readonly host: string; readonly port: number }): Promise<FaultyProxy> {
  const mishaps: Mishap[] = []
  const wire: Buffer[] = []
  const open = new Set<Socket>()
  let refusing = 0
  const listener = createServer((client) => {
    if (refusing > 0) {
      refusing -= 1
      client.resetAndDestroy()
      return
    }
    const upstream = connect(server.port, server.host)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.once('close', () => open.delete(socket))
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (bytes) => { wire.push(bytes) })
    relay(client, upstream, (statement) => {
      const at = mishaps.findIndex((mishap) => mishap.on.test(statement))
      return at < 0 ? undefined : mishaps.splice(at, 1)[0]
    })
  })
  await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve) })
  const { port } = listener.address() as AddressInfo
  return {
    port,
    wire: () => Buffer.concat(wire).toString('latin1'),
    inject: (mishap) => { mishaps.push(mishap) },
    refuseNext: (connections) => {
      refusing = connections
      for (const socket of open) socket.resetAndDestroy()
    },
    async close() {
      for (const socket of open) socket.destroy()
      if (listener.listening) await new Promise((resolve) => { listener.close(resolve) })
    },
  }
}

function relay(client: Socket, upstream: Socket, befall: (statement: string) => Mishap | undefined): void {
  // while one message is held, the later ones wait behind it
  const waiting: Buffer[] = []
  let holding = false
  let deaf = false
  upstream.on('data', (answer) => {
    if (deaf) client.destroy()
    else client.write(answer)
  })
  upstream.once('close', () => client.destroy())
  client.once('close', () => {
    if (!holding) upstream.destroy()
  })
  client.on('data', splitMessages((message) => {
    const mishap = message[0] === 0x51 ? befall(message.toString('utf8', 5, message.length - 1)) : undefined
    if (mishap?.act === 'cut') {
      client.destroy()
      upstream.destroy()
    } else if (mishap?.act === 'error') {
      client.write(errorMessage(mishap.sqlstate))
    } else {
      if (mishap?.act === 'lose-answer') deaf = true
      if (holding) waiting.push(message)
      else if (mishap?.act === 'hold') {
        holding = true
        setTimeout(() => {
          holding = false
          for (const late of [message, ...waiting.splice(0)]) upstream.write(late)
          if (client.destroyed) upstream.end()
        }, mishap.ms)
      } else upstream.write(message)
    }
  }))
}

/** Calls back for every complete message; the first one (startup) has no type byte. */
function splitMessages(each: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const head = started ? 1 : 0
      if (rest.length < head + 4) return
      const end = head + rest.readUInt32BE(head)
      if (rest.length < end) return
      each(rest.subarray(0, end))
      started = true
      rest = rest.subarray(end)
    }
  }
}

/** ErrorResponse, then ReadyForQuery in a failed transaction. */
function errorMessage(sqlstate: string): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${sqlstate}\0Mproduced by the test\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeUInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields, Buffer.from([0x5a, 0, 0, 0, 5, 0x45])])
}
