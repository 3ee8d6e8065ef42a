import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** How a provider can be out of reach: connections are refused, or nothing comes back. */
export type Outage = 'refused' | 'silent'

/** The only way to one port of a provider, which can go down. */
export interface Line {
  readonly port: number
  /** Cuts what is open. From now on connections are refused, or are taken and never answered. */
  down(how: Outage): Promise<void>
  /** Everything goes through again, at the same port. Nothing when it does already. */
  up(): Promise<void>
  /** Ends what is open. May be repeated. */
  close(): Promise<void>
}

/** Opens one to this port of 127.0.0.1. */
export async function openLine(to: number): Promise<Line> {
  const open = new Set<Socket>()
  let silent = false
  const listener = createServer((client) => {
    hold(client)
    if (silent) return void client.resume()
    const server = connect(to, '127.0.0.1')
    hold(server)
    client.pipe(server).pipe(client)
    client.once('close', () => server.destroy())
    server.once('close', () => client.destroy())
  })
  function hold(socket: Socket): void {
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => open.delete(socket))
  }
  const listen = (port: number): Promise<void> => new Promise((resolve) => { listener.listen(port, '127.0.0.1', resolve) })
  const close = async (): Promise<void> => {
    for (const socket of open) socket.resetAndDestroy()
    if (listener.listening) await new Promise((resolve) => { listener.close(resolve) })
  }
  await listen(0)
  const { port } = listener.address() as AddressInfo
  return {
    port, close,
    async down(how) {
      silent = how === 'silent'
      if (how === 'refused') await close()
      else for (const socket of open) socket.resetAndDestroy()
    },
    async up() {
      // Who was not answered until now is not answered any more.
      if (silent) for (const socket of open) socket.resetAndDestroy()
      silent = false
      if (!listener.listening) await listen(port)
    },
  }
}
