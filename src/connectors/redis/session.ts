import { type Call, KeyturnError } from '../../kit/index.ts'
import { ServerRefusal } from './failure.ts'
import type { Target } from './target.ts'

/** The name of keyturn's own connections; they never count as use. */
export const OWN_NAME = 'keyturn'

/** Words of a command. A value among them goes to the server and nowhere else. */
export type Command = readonly string[]

/** One open connection. Its socket dies at the deadline of the call that it serves. */
export interface Session {
  /** Asks one command. Throws a {@link ServerRefusal}, or an error of the socket. */
  ask(command: Command): Promise<unknown>
  /**
   * Has the server carry out all of them in one go (MULTI, EXEC), between which nobody else's command comes and a lost connection
   * cannot fall. Answers one reply a command, of which a ServerRefusal may be one: Redis takes nothing back by itself.
   */
  together(commands: readonly Command[]): Promise<readonly unknown[]>
  /** Ends it. Never throws. */
  close(): void
}

type Library = typeof import('@redis/client')

/** The client library, which is installed beside keyturn by those who use this connector. Throws PACKAGE_MISSING when it is not. */
export async function loadLibrary(bring: () => Promise<Library> = () => import('@redis/client')): Promise<Library> {
  try {
    return await bring()
  } catch (cause) {
    throw new KeyturnError('PACKAGE_MISSING', '@redis/client (npm install @redis/client@6)', { cause })
  }
}

/**
 * A fresh login, in one HELLO with user, password and our name: a user who may run nothing else may run that.
 * https://redis.io/docs/latest/commands/hello/
 */
export async function login({ host, port, user, password, tls, ca }: Target, call: Call): Promise<Session> {
  call.signal.throwIfAborted()
  const library = await loadLibrary()
  const common = { host, port, reconnectStrategy: false, connectTimeout: Math.max(1, call.deadline - Date.now()), signal: call.signal } as const
  const client = library.createClient({
    username: user, password: password.reveal(), name: OWN_NAME, RESP: 3, disableClientInfo: true, maintNotifications: 'disabled',
    socket: tls ? { ...common, tls, ...(ca === undefined ? {} : { ca }) } : common,
  })
  // A lost connection also rejects what is asked on it, which is where it is handled; unheard it would end the process.
  client.on('error', () => undefined)
  const close = (): void => {
    if (client.isOpen) client.destroy()
  }
  const said = (thrown: unknown): unknown => (thrown instanceof library.ErrorReply ? new ServerRefusal(thrown.message) : thrown)
  try {
    await client.connect()
    call.signal.throwIfAborted()
  } catch (thrown) {
    close()
    throw said(thrown)
  }
  return {
    async ask(command) {
      try {
        return await client.sendCommand([...command])
      } catch (thrown) {
        throw said(thrown)
      }
    },
    async together(commands) {
      const multi = client.multi()
      for (const command of commands) multi.addCommand([...command])
      try {
        return await multi.exec()
      } catch (thrown) {
        if (thrown instanceof library.MultiErrorReply) return thrown.replies.map(said)
        throw said(thrown)
      }
    },
    close,
  }
}
