import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:tls'
import type { CheckFault } from '../../../../src/testing/check.ts'
import { certify } from '../../../fixture/certificates.ts'
import type { ControlPlane } from './control-plane.ts'

/** What stands before an API server, with a certificate of the same authority. */
export interface ApiProxy {
  readonly url: string
  /** From now on every connection meets this fault. */
  break(fault: CheckFault): Promise<void>
  close(): Promise<void>
}

const ERROR = 'HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"kind":"Status","status":"Failure","code":500}'
const HALF = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"kind":'

/** Passes on everything, exec sessions too, until it is broken. */
export async function startProxy({ url, ca, authority }: Pick<ControlPlane, 'url' | 'ca' | 'authority'>): Promise<ApiProxy> {
  const { cert, key } = certify({ commonName: 'proxy', names: ['127.0.0.1'], by: authority })
  const open = new Set<Socket>()
  let fault: CheckFault | undefined
  const server = createServer({ cert, key }, (client) => {
    open.add(client)
    client.on('error', () => client.destroy()).once('close', () => open.delete(client))
    if (fault === 'error') client.once('data', () => client.end(ERROR))
    else if (fault === 'reset') client.once('data', () => client.write(HALF, () => client.destroy()))
    else if (fault === undefined) {
      const upstream = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca })
      upstream.on('error', () => client.destroy()).once('close', () => client.destroy())
      client.once('close', () => upstream.destroy())
      client.pipe(upstream).pipe(client)
    }
  })
  const stop = async (): Promise<void> => {
    for (const socket of open) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    break: async (which) => {
      fault = which
      if (which === 'gone') await stop()
    },
    close: stop,
  }
}
