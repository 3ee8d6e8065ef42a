import { type AddressInfo, createServer, type Socket } from 'node:net'

/**
 * What goes wrong with every connection: `slow` says nothing, `error` says something else, `reset` cuts it in the middle of the
 * banner, `endless` says a line that never ends, `mute` ends it without a word.
 */
export type Fault = 'none' | 'slow' | 'error' | 'reset' | 'endless' | 'mute'

/** A server on loopback that greets, in this process. */
export interface FakeGreeter {
  readonly port: number
  fault: Fault
  /** What it says, with its line end; when `after` is set, only after this was received. */
  banner: string
  after: string
  /** How many connections are open. */
  open(): number
  /** Stops listening; calls are refused from then on. */
  close(): Promise<void>
}

/** Starts one on a free port. */
export async function startGreeter(): Promise<FakeGreeter> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    // A client that goes away in the middle is no matter of the server's.
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    serve(socket, greeter)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const greeter: FakeGreeter = {
    port,
    fault: 'none',
    banner: '220 ready\r\n',
    after: '',
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return greeter
}

function serve(socket: Socket, { fault, banner, after }: FakeGreeter): void {
  let received = ''
  const greet = (): void => {
    if (fault === 'none') socket.write(banner)
    else if (fault === 'error') socket.end('-ERR no room\r\n')
    else if (fault === 'mute') socket.end()
    else if (fault === 'endless') socket.write('x'.repeat(10_000))
    else if (fault === 'reset') socket.write(banner.slice(0, 2), () => socket.resetAndDestroy())
  }
  if (after === '') greet()
  socket.on('data', (piece) => {
    const had = received.includes(after)
    received += piece.toString('latin1')
    if (after !== '' && !had && received.includes(after)) greet()
  })
}
