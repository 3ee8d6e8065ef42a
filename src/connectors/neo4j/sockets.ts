import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** The sockets that somebody else's code opens on our behalf. */
export interface Sockets {
  /** Runs it; what it opens, now or later, is ours. */
  during<T>(body: () => T): T
  /** Cuts all of them, and counts no more. May be repeated. */
  cut(): void
}

/**
 * Knows the sockets of a library that shows none of them. The driver's own end of a connection waits for the server to say goodbye, and a
 * server that is stopped never does; then the socket would outlive the deadline. Node tells of every socket that is opened:
 * https://nodejs.org/api/diagnostics_channel.html#built-in-channels
 */
export function watchSockets(): Sockets {
  const ours = new AsyncLocalStorage<true>()
  const open = new Set<Socket>()
  const see = (told: unknown): void => {
    const { socket } = told as { readonly socket: Socket }
    if (ours.getStore() === undefined) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  }
  subscribe('net.client.socket', see)
  return {
    during: (body) => ours.run(true, body),
    cut() {
      unsubscribe('net.client.socket', see)
      for (const socket of open) socket.destroy(new Error('cut'))
    },
  }
}
