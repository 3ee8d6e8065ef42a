import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What befalls one message of a client:
 * - `cut`: the connection is cut and the server never sees it.
 * - `lose-answer`: the server carries it out, and the connection is cut before the client hears so.
 * - `error`: the client gets this error of the server, which never sees the message.
 * - `hold`: it reaches the server so many ms later, even when the client has gone by then.
 */
export type Mishap<E> =
  | { readonly on: RegExp; readonly act: 'cut' | 'lose-answer' }
  | { readonly on: RegExp; readonly act: 'error'; readonly error: E }
  | { readonly on: RegExp; readonly act: 'hold'; readonly ms: number }

/** One whole message of a client. */
export interface Message {
  readonly bytes: Buffer
  /** What it asks, as mishaps are matched with it; undefined when nothing befalls such a message. */
  readonly asks: string | undefined
}

/** How the clients of one protocol talk, on one connection. */
export interface Talk<E> {
  /** Calls back for every message as soon as it is complete. */
  split(each: (message: Message) => void): (chunk: Buffer) => void
  /** What the server would say in answer to the message that was split last. */
  refuse(error: E): string | Buffer
}

export interface FaultyTcp<E> {
  readonly port: number
  /** The next message that matches meets it, once. */
  inject(mishap: Mishap<E>): void
  /** Cuts what is open, and so many of the next connections at once. */
  refuseNext(connections: number): void
  /** From now on nothing goes either way, and nothing is closed. */
  silence(): void
  /** All bytes that clients sent, as latin1 text. */
  wire(): string
  /** Ends what is open. May be repeated. */
  close(): Promise<void>
}

/**
 * A TCP proxy on loopback, in front of a server, real or pretended, that knows where a message ends, and produces the faults of a network
 * and of a server in trouble. Without TLS. `talk` is asked once for each connection.
 */
export async function startFaultyTcp<E>(server: { readonly host?: string; readonly port: number }, talk: () => Talk<E>): Promise<FaultyTcp<E>> {
  const mishaps: Mishap<E>[] = []
  const wire: Buffer[] = []
  const open = new Set<Socket>()
  let [refusing, silent] = [0, false]
  const listener = createServer((client) => {
    if (refusing > 0) {
      refusing -= 1
      client.resetAndDestroy()
      return
    }
    const upstream = connect(server.port, server.host ?? '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.once('close', () => open.delete(socket))
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (bytes) => { wire.push(bytes) })
    relay(client, upstream, talk(), {
      isSilent: () => silent,
      befall: (asks) => {
        const at = mishaps.findIndex(({ on }) => on.test(asks))
        return at < 0 ? undefined : mishaps.splice(at, 1)[0]
      },
    })
  })
  await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve) })
  return {
    port: (listener.address() as AddressInfo).port,
    wire: () => Buffer.concat(wire).toString('latin1'),
    inject: (mishap) => { mishaps.push(mishap) },
    refuseNext: (connections) => {
      refusing = connections
      for (const socket of open) socket.resetAndDestroy()
    },
    silence: () => { silent = true },
    async close() {
      for (const socket of open) socket.destroy()
      if (listener.listening) await new Promise((resolve) => { listener.close(resolve) })
    },
  }
}

interface Fate<E> {
  befall(asks: string): Mishap<E> | undefined
  isSilent(): boolean
}

function relay<E>(client: Socket, upstream: Socket, talk: Talk<E>, { befall, isSilent }: Fate<E>): void {
  // While one message is held, the later ones wait behind it.
  const waiting: Buffer[] = []
  let holding = false
  let deaf = false
  upstream.on('data', (answer) => {
    if (deaf) client.destroy()
    else if (!isSilent()) client.write(answer)
  })
  upstream.once('close', () => client.destroy())
  client.once('close', () => {
    if (!holding) upstream.destroy()
  })
  client.on('data', talk.split(({ bytes, asks }) => {
    if (isSilent()) return
    const mishap = asks === undefined ? undefined : befall(asks)
    if (mishap?.act === 'cut') {
      client.destroy()
      upstream.destroy()
    } else if (mishap?.act === 'error') {
      client.write(talk.refuse(mishap.error))
    } else {
      if (mishap?.act === 'lose-answer') deaf = true
      if (holding) waiting.push(bytes)
      else if (mishap?.act === 'hold') {
        holding = true
        setTimeout(() => {
          holding = false
          for (const late of [bytes, ...waiting.splice(0)]) upstream.write(late)
          if (client.destroyed) upstream.end()
        }, mishap.ms)
      } else upstream.write(bytes)
    }
  }))
}
