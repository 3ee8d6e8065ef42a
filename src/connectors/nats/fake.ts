import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Frame, splitFrames } from './frames.ts'

/** The request by which an account is changed: the only one with an effect. */
const CHANGE = '$SYS.REQ.CLAIMS.UPDATE'

/**
 * What befalls the next change of an account:
 * - `cut`: the server never sees it. `lose-answer`: it carries it out, and the connection is cut before the client hears so.
 * - `error`: the client hears that the server failed, which never sees it. `hold`: it reaches the server so many ms later, even when the
 *   client has gone by then.
 */
export type Mishap = { readonly act: 'cut' | 'lose-answer' | 'error' } | { readonly act: 'hold'; readonly ms: number }

export interface FaultyProxy {
  readonly port: number
  inject(mishap: Mishap): void
  /** How many of the next connections are cut at once. */
  refuseNext(connections: number): void
  /** From now on nothing goes either way, and nothing is closed. */
  silence(): void
  /** All that clients sent, as latin1 text. */
  wire(): string
  /** Ends what is open. May be repeated. */
  close(): Promise<void>
}

/** A TCP proxy in front of a NATS server, real or pretended, that knows where a frame of the protocol ends. Without TLS. */
export async function faultyProxy(server: { readonly port: number }): Promise<FaultyProxy> {
  const mishaps: Mishap[] = []
  const wire: Buffer[] = []
  const open = new Set<Socket>()
  let [refusing, silent] = [0, false]
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
    relay(client, upstream, () => mishaps.shift(), () => silent)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    port,
    wire: () => Buffer.concat(wire).toString('latin1'),
    inject: (mishap) => { mishaps.push(mishap) },
    refuseNext: (connections) => { refusing = connections },
    silence: () => { silent = true },
    async close() {
      for (const socket of open) socket.destroy()
      if (!listener.listening) return
      listener.close()
      await once(listener, 'close')
    },
  }
}

function relay(client: Socket, upstream: Socket, befall: () => Mishap | undefined, isSilent: () => boolean): void {
  // By which number a client listens to an inbox, for an error that is said in the server's place.
  const listening = new Map<string, string>()
  let [deaf, held]: [boolean, number] = [false, 0]
  upstream.on('data', (answer) => {
    if (deaf) client.destroy()
    else if (!isSilent()) client.write(answer)
  })
  upstream.once('close', () => client.destroy())
  client.once('close', () => { if (held === 0) upstream.destroy() })
  client.on('data', splitFrames((frame: Frame) => {
    if (isSilent()) return
    const [verb = '', subject = '', reply = ''] = frame.words
    if (verb === 'SUB') listening.set(subject, frame.words.at(-1) ?? '')
    const mishap = verb === 'PUB' && subject === CHANGE ? befall() : undefined
    if (mishap?.act === 'cut') return void [client, upstream].forEach((socket) => socket.destroy())
    if (mishap?.act === 'error') {
      const said = JSON.stringify({ server: {}, error: { account: 'n/a', code: 500, description: 'produced by the test' } })
      return void client.write(`MSG ${reply} ${listening.get(reply) ?? ''} ${said.length}\r\n${said}\r\n`)
    }
    if (mishap?.act === 'lose-answer') deaf = true
    if (mishap?.act !== 'hold') return void upstream.write(frame.bytes)
    held += 1
    setTimeout(() => {
      held -= 1
      upstream.write(frame.bytes)
      if (client.destroyed) upstream.end()
    }, mishap.ms)
  }))
}
