import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Call } from '../../kit/call.ts'
import { login, type Presents, seedOr, type Server } from '../../outside/nats/index.ts'
import type { Creds } from './user.ts'

/** How long the replies of further servers are waited for after the last one, ms. */
const QUIET_MS = 400

/** No server listens to this subject: what it would do is not turned on. */
export class NobodyListens extends Error {
  override readonly name = 'NobodyListens'
}

/** The system user may not ask this. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden'
  readonly subject: string
  constructor(subject: string) {
    super('permission violation')
    this.subject = subject
  }
}

/** One open connection of the system account. It dies at the deadline of its call. */
export interface Session {
  /**
   * Asks all servers, and answers what they reply: until `wanted` of them have, or nothing more comes for a while after the first.
   * Throws {@link NobodyListens}, {@link Forbidden}, and other errors when the connection is cut or the deadline has come.
   */
  gather(subject: string, payload: string, wanted: (replies: readonly string[]) => boolean): Promise<readonly string[]>
  /** Waits until the socket is closed. Never throws. */
  close(): Promise<void>
}

/** What a login with these shows: the JWT, and a signature by the seed. */
export function presentCreds({ jwt, seed }: Creds): Presents {
  return (library) => library.jwtAuthenticator(jwt.reveal(), seedOr(library, seed.reveal()))
}

/** Logs in with the creds of the system account. Throws as {@link login}. */
export async function openSession(server: Server, creds: Creds, call: Call): Promise<Session> {
  const connection = await login(server, presentCreds(creds), call)
  const die = (): void => { void connection.close() }
  call.signal.addEventListener('abort', die, { once: true })
  return {
    gather: (subject, payload, wanted) => gather(connection, subject, payload, wanted, call),
    async close() {
      call.signal.removeEventListener('abort', die)
      await connection.close()
    },
  }
}

async function gather(connection: NatsConnection, subject: string, payload: string, wanted: (replies: readonly string[]) => boolean, call: Call): Promise<readonly string[]> {
  const { createInbox } = await import('@nats-io/transport-node')
  const replies: string[] = []
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
  let quiet: NodeJS.Timeout | undefined
  const take = (thrown: Error | null, message: Msg): void => {
    if (thrown !== null) return reject(thrown)
    if (message.headers?.code === 503) return reject(new NobodyListens('no responders'))
    replies.push(message.string())
    clearTimeout(quiet)
    if (wanted(replies)) resolve(replies)
    else quiet = setTimeout(() => resolve(replies), QUIET_MS)
  }
  if (call.signal.aborted) throw new Error('deadline')
  connection.closed().then((why) => reject(why ?? new Error('closed')), reject)
  forbidden(connection, subject).then((thrown) => { if (thrown !== undefined) reject(thrown) }, reject)
  const inbox = createInbox()
  const listening = connection.subscribe(inbox, { callback: take })
  try {
    connection.publish(subject, payload, { reply: inbox })
    return await promise
  } finally {
    clearTimeout(quiet)
    listening.unsubscribe()
  }
}

/** The server says by the way, not as a reply, that something may not be published. Undefined when the connection ends without that. */
async function forbidden(connection: NatsConnection, subject: string): Promise<Error | undefined> {
  for await (const status of connection.status()) {
    if (status.type === 'error' && status.error.name === 'PermissionViolationError') return new Forbidden(subject)
  }
  return undefined
}
