import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

// The provider is the reference issuer of the kit: any program may run against it, not this connector alone.
export { referenceConfig } from '../../testing/reference-config.ts'
export { startReferenceIssuer } from '../../testing/reference-issuer.ts'

/** What goes wrong with every delivery: `slow` never answers, `error` is a 500, `reset` cuts the connection. */
export type ReceiverFault = 'none' | 'slow' | 'error' | 'reset'

/** A receiver of notices on loopback, in this process. */
export interface Receiver {
  readonly url: string
  fault: ReceiverFault
  /** The status of an answer without fault. */
  status: number
  readonly received: { readonly headers: IncomingMessage['headers']; readonly body: string }[]
  /** Stops listening. May be repeated. */
  close(): Promise<void>
}

/** Starts one on a free port. */
export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        receiver.received.push({ headers: request.headers, body })
        if (receiver.fault === 'reset') response.destroy()
        else if (receiver.fault !== 'slow') response.writeHead(receiver.fault === 'error' ? 500 : receiver.status).end()
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/notices`,
    fault: 'none',
    status: 204,
    received: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}
