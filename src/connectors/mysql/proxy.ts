import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/**
 * What befalls one statement:
 * - `lose-answer`: the server carries it out, and the connection is cut before the client hears so.
 * - `error`: the client gets this error, the server never sees it.
 * - `hold`: it reaches the server so many ms later, even when the client has gone by then.
 */
export type Mishap =
  | { readonly on: RegExp; readonly act: 'lose-answer' }
  | { readonly on: RegExp; readonly act: 'error'; readonly errno: number }
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
 * A TCP proxy in front of a server of MySQL's protocol that knows where a statement starts and ends, and produces the faults of a
 * network and of a server in trouble. Without TLS. https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
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
  // While one packet is held, the later ones wait behind it.
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
  client.on('data', splitPackets((packet) => {
    // COM_QUERY is the first packet of a command and begins with 3.
    const mishap = packet[3] === 0 && packet[4] === 3 ? befall(packet.toString('utf8', 5)) : undefined
    if (mishap?.act === 'error') {
      client.write(errorPacket(mishap.errno))
      return
    }
    if (mishap?.act === 'lose-answer') deaf = true
    if (holding) waiting.push(packet)
    else if (mishap?.act === 'hold') {
      holding = true
      setTimeout(() => {
        holding = false
        for (const late of [packet, ...waiting.splice(0)]) upstream.write(late)
        if (client.destroyed) upstream.end()
      }, mishap.ms)
    } else upstream.write(packet)
  }))
}

/** Calls back for every complete packet: three bytes of length, one of sequence, the rest. */
function splitPackets(each: (packet: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
      const end = 4 + rest.readUIntLE(0, 3)
      each(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}

/** ERR_Packet, the answer to a command. */
function errorPacket(errno: number): Buffer {
  const body = Buffer.from(`\xff\0\0#HY000produced by the test`, 'latin1')
  body.writeUInt16LE(errno, 1)
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = 1
  return Buffer.concat([head, body])
}
