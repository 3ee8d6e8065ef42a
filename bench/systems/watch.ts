import { setTimeout as pause } from 'node:timers/promises'
import { login } from '../../demo/database.ts'
import type { Service } from './service.ts'

/** How often is looked, ms. */
const EVERY_MS = 20

/** Looks for something from the outside while a way is at work. */
export interface Watch {
  /** `performance.now()` of the look that saw it first; undefined while none has. */
  at(): number | undefined
  /** Throws what kept it from looking. May be repeated. */
  stop(): Promise<void>
}

/** For the first fresh login with this DSN that the server refuses. */
export function watchLogin(dsn: string): Watch {
  return watch(async () => (await login(dsn)) !== 'accepted')
}

/** For the moment from which on no instance of the service holds this password any more. */
export function watchHolders(service: Service, password: string): Watch {
  return watch(async () => (await service.holders(password)) === 0)
}

function watch(look: () => Promise<boolean>): Watch {
  let seen: number | undefined
  const stopped = new AbortController()
  let broken: unknown
  const watching = (async () => {
    while (!stopped.signal.aborted && seen === undefined) {
      const asked = performance.now()
      if (await look()) seen = asked
      else await pause(EVERY_MS)
    }
  })().catch((thrown: unknown) => { broken = thrown })
  return {
    at: () => seen,
    async stop() {
      stopped.abort()
      await watching
      if (broken !== undefined) throw broken
    },
  }
}
