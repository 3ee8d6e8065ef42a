import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { encode, Refusal, splitCommands } from './wire.ts'

/**
 * What befalls one command:
 * - `cut`: the connection is cut and the server never sees it.
 * - `lose-answer`: the server carries it out, and the connection is cut before the client hears so.
 * - `error`: the client gets this error, the server never sees it.
 * - `hold`: it reaches the server so many ms later, even when the client has gone by then.
 */
export type Mishap =
  | { readonly on: RegExp; readonly act: 'cut' | 'lose-answer' }
  | { readonly on: RegExp; readonly act: 'error'; readonly text: string }
  | { readonly on: RegExp; readonly act: 'hold'; readonly ms: number }

export interface FaultyProxy {
  readonly port: number
  /** The next command that matches meets it, once. */
  inject(mishap: Mishap): void
  /** How many of the next connections are cut at once. */
  refuseNext(connections: number): void
  /** All bytes that clients sent, as latin1 text. */
  wire(): string
  /** Ends what is open. May be repeated. */
  close(): Promise<void>
}

/** A TCP proxy in front of a Redis that knows where a command starts and ends, and produces the faults of a network and of a server in trouble. */
export async function faultyProxy(server: { readonly port: number }): Promise<FaultyProxy> {
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
    const upstream = connect(server.port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.once('close', () => open.delete(socket))
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (bytes) => { wire.push(bytes) })
    relay(client, upstream, (command) => {
      const at = mishaps.findIndex((mishap) => mishap.on.test(command))
      return at < 0 ? undefined : mishaps.splice(at, 1)[0]
    })
  })
  await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve) })
  const { port } = listener.address() as AddressInfo
  return {
    port,
    wire: () => Buffer.concat(wire).toString('latin1'),
    inject: (mishap) => { mishaps.push(mishap) },
    refuseNext: (connections) => { refusing = connections },
    async close() {
      for (const socket of open) socket.destroy()
      if (listener.listening) await new Promise((resolve) => { listener.close(resolve) })
    },
  }
}

function relay(client: Socket, upstream: Socket, befall: (command: string) => Mishap | undefined): void {
  // while one command is held, the later ones wait behind it
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
  client.on('data', splitCommands((words, bytes) => {
    const mishap = befall(words.join(' '))
    if (mishap?.act === 'cut') {
      client.destroy()
      upstream.destroy()
    } else if (mishap?.act === 'error') {
      client.write(encode(new Refusal(mishap.text)))
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
