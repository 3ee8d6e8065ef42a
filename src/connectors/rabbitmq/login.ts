import { KeyturnError, type Call, type Credential } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'

/**
 * How an AMQP login ended. `refused`: the broker rejects name and password (403). `closed`: it let them in and closed the virtual host
 * to them, or the user is at its limit: it says which in words only. `lost`: none of these, with the code of the socket.
 */
export type Login = { readonly is: 'accepted' | 'refused' | 'closed' } | { readonly is: 'lost'; readonly code: string }

/** One fresh login and goodbye; its socket dies at the deadline. Throws a KeyturnError where the driver is not installed. */
export async function loginAt(place: IssuerConfig['endpoints'][number], vhost: string, { fields }: Credential, call: Call): Promise<Login> {
  const amqp = await loadDriver()
  if (call.signal.aborted) return { is: 'lost', code: 'DEADLINE' }
  try {
    // Handed on to the socket, which dies with it; the types do not know it.
    const socket = { signal: call.signal, clientProperties: { connection_name: 'keyturn' } }
    const connection = await amqp.connect({
      protocol: place.tls ? 'amqps' : 'amqp', hostname: place.host, port: place.port, vhost, heartbeat: 0,
      username: fields['user']?.reveal() ?? '', password: fields['password']?.reveal() ?? '',
    }, socket)
    // The broker may cut it before the goodbye is heard; the login was accepted then.
    connection.on('error', () => undefined)
    await connection.close()
    return { is: 'accepted' }
  } catch (thrown) {
    if (call.signal.aborted) return { is: 'lost', code: 'DEADLINE' }
    const said = thrown instanceof Error ? thrown.message : ''
    if (said.startsWith('Handshake terminated by server: 403 ')) return { is: 'refused' }
    if (said.startsWith('Expected ConnectionOpenOk; got <ConnectionClose ') || said.startsWith('Handshake terminated by server: 530 ')) return { is: 'closed' }
    const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    return { is: 'lost', code: typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? code : 'CONNECTION_LOST' }
  }
}

/** The driver is brought by whoever rotates RabbitMQ; nobody else has to install it. */
async function loadDriver(): Promise<typeof import('amqplib')> {
  try {
    return await import('amqplib')
  } catch (cause) {
    throw new KeyturnError('PRECONDITION_FAILED', 'the package amqplib is not installed: npm install amqplib@2', { cause })
  }
}
