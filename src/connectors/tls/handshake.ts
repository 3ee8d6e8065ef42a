import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { reduceCause } from '../../kit/error.ts'
import { dial, type Endpoint } from '../../outside/dial.ts'

/** What a server presents. */
export interface Presented {
  readonly certificate: X509Certificate
  /** Such as `TLSv1.3`. */
  readonly protocol: string
  /** What is wrong with its chain or its name, as a code of OpenSSL or Node; absent when it is trusted for the name. */
  readonly distrust?: string
}

export interface Wanted extends Endpoint {
  /** What the certificate has to be for. */
  readonly name: string
  readonly startTls: 'postgres' | undefined
  /** The authorities, as PEM; those that Node brings when absent. */
  readonly ca: string | undefined
}

/** The server answered, and would not or could not speak TLS. */
export class NoTls extends Error {}

/**
 * One handshake; the connection is ended after it. Throws {@link NoTls} when the server answers with something else, and what the
 * system says when the connection cannot be made or is cut.
 */
export async function shakeHands({ name, startTls, ca, ...endpoint }: Wanted, signal: AbortSignal): Promise<Presented> {
  const plain = await dial(endpoint, signal)
  try {
    if (startTls === 'postgres') await askPostgres(plain)
    const secure = connect({
      socket: plain,
      // An address is no name that could be asked for (RFC 6066), but it has to be in the certificate.
      ...(isIP(name) === 0 ? { servername: name } : { host: name }),
      ...(ca === undefined ? {} : { ca }),
      // Not believed but looked at: what is wrong with it is the answer.
      rejectUnauthorized: false,
    })
    secure.on('error', () => secure.destroy())
    await once(secure, 'secureConnect', { signal })
    const certificate = secure.getPeerX509Certificate()
    if (certificate === undefined) throw new NoTls('no certificate')
    const distrust = secure.authorized ? {} : { distrust: codeOf(secure.authorizationError) }
    return { certificate, protocol: secure.getProtocol() ?? 'unknown', ...distrust }
  } finally {
    plain.destroy()
  }
}

/** Node keeps the code of the error in its place, or, where it has none, the message. */
function codeOf(error: unknown): string {
  if (typeof error === 'string') return error
  return reduceCause(error).code ?? 'UNTRUSTED'
}

/** SSLRequest: its length and 80877103. The server answers one byte, and nothing after it before the handshake (CVE-2021-23222). */
async function askPostgres(socket: Socket): Promise<void> {
  socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]))
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
  })
  socket.pause()
  if (answer.toString('latin1') !== 'S') throw new NoTls('no TLS here')
}
