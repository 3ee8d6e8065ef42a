import type { Authenticator, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { z } from 'zod'
import type { Call } from '../../kit/call.ts'

/** The connection name of keyturn's own logins; they never count as use. */
export const ownName = 'keyturn'

/** An address in a manifest. */
export const serverSchema = z
  .string()
  .regex(/^(nats|tls):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/, 'an address such as `nats://n1.example:4222` or `tls://n1.example`, without a user')

/** Where to log in, and what the certificate of the server is checked against. */
export interface Server {
  /** `nats://HOST:PORT` or `tls://HOST:PORT`. */
  readonly url: string
  /** The path of a PEM file. */
  readonly ca?: string
}

/** What a login shows, made with the library that is loaded by then. */
export type Presents = (library: typeof import('@nats-io/transport-node')) => Authenticator

/** A fresh login: the library's connection. Throws its errors; one named AuthorizationError is the server's verdict. */
export async function login({ url, ca }: Server, presents: Presents, call: Call, name: string = ownName): Promise<NatsConnection> {
  call.signal.throwIfAborted()
  const library = await import('@nats-io/transport-node')
  const address = new URL(url)
  // For an address without a name the library itself checks the certificate against `localhost`.
  const tls = { host: address.hostname.replaceAll(/[[\]]/g, ''), ...(ca === undefined ? {} : { caFile: ca }) }
  const options: NodeConnectionOptions = {
    servers: [address.host], name, reconnect: false, ignoreClusterUpdates: true, timeout: Math.max(1, call.deadline - Date.now()),
    authenticator: presents(library),
    tls: address.protocol === 'tls:' ? tls : null,
  }
  const connecting = library.connect(options)
  const aborted = new Promise<never>((_, reject) => {
    call.signal.addEventListener('abort', () => reject(new Error('deadline')), { once: true })
  })
  try {
    return await Promise.race([connecting, aborted])
  } catch (thrown) {
    // One that comes late is for nobody; one that fails late has been told already.
    connecting.then((late) => late.close(), () => undefined)
    throw thrown
  }
}

/**
 * The seed of a user key as the library wants it. What is no seed can sign nothing: then another key signs, and the server says itself
 * that it is wrong.
 */
export function seedOr({ nkeys }: Parameters<Presents>[0], text: string): Uint8Array {
  const seed = Buffer.from(text.trim())
  try {
    nkeys.fromSeed(seed)
    return seed
  } catch {
    return nkeys.createUser().getSeed()
  }
}
