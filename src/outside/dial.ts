import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import { reduceCause } from '../kit/error.ts'

/** Where a server listens. */
export const endpointShape = {
  host: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,253}$/, 'a name or an address, without a scheme, a port or a path')
    .describe('The name or address of the server.'),
  port: z.number().int().min(1).max(65_535).describe('The port.'),
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Opens a TCP connection, which is cut when the signal aborts. Throws what the system says. Whoever has it destroys it. */
export async function dial({ host, port }: Endpoint, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, signal })
  // Whoever waits on the socket is told; an error that comes when nobody waits any more ends it and nothing else.
  socket.on('error', () => socket.destroy())
  try {
    await once(socket, 'connect')
    return socket
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
}

/** Why a connection failed, as a label: `DEADLINE` when its signal aborted, else the code of the error. */
export function causeOf(thrown: unknown, signal: AbortSignal): string {
  const { name, code } = reduceCause(thrown)
  return signal.aborted ? 'DEADLINE' : (code ?? name)
}
