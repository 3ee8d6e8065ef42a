import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What befalls every new connection: `slow` hears and never answers, `reset` cuts it, or the server's refusal with this SQLSTATE. */
export type Fault = 'none' | 'slow' | 'reset' | { readonly sqlstate: string; readonly message?: string }

/** A door in front of a real PostgreSQL, on loopback in this process. */
export interface Door {
  readonly port: number
  fault: Fault
  /** Stops listening and cuts what is open. May be repeated. */
  close(): Promise<void>
}

/** Opens one. Without TLS. https://www.postgresql.org/docs/current/protocol-message-formats.html */
export async function openDoor(server: { readonly host: string; readonly port: number }): Promise<Door> {
  const open = new Set<Socket>()
  const keep = (socket: Socket): void => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
  }
  const listener = createServer((client) => {
    keep(client)
    const { fault } = door
    if (fault === 'none') {
      const upstream = connect(server.port, server.host)
      keep(upstream)
      client.pipe(upstream).pipe(client)
      client.once('close', () => upstream.destroy())
    } else {
      client.once('data', () => {
        if (fault === 'reset') client.resetAndDestroy()
        else if (fault !== 'slow') client.end(refusal(fault.sqlstate, fault.message ?? 'made by the test'))
      })
    }
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const door: Door = {
    port: (listener.address() as AddressInfo).port,
    fault: 'none',
    close: async () => {
      for (const socket of open) socket.destroy()
      if (listener.listening) await new Promise((resolve) => listener.close(resolve))
    },
  }
  return door
}

/** ErrorResponse. */
function refusal(sqlstate: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlstate}\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeUInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}
