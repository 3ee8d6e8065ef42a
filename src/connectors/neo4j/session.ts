import { randomBytes } from 'node:crypto'
import { type Call, KeyturnError } from '../../kit/index.ts'
import { watchSockets } from './sockets.ts'
import type { Target } from './target.ts'

/** How keyturn's own connections call themselves, up to a number of their own; they never count as use. */
export const OWN_AGENT = 'keyturn/'

/** One row, by column. */
export type Row = Readonly<Record<string, unknown>>

/** One login. Its sockets die at the deadline of the call that it serves. */
export interface Session {
  /** What this login calls itself; no other one does. */
  readonly agent: string
  /**
   * Runs one statement in the database `system`. Values go as parameters, which the server's log of queries shows as `******`.
   * `changes` counts what it changed. Throws the driver's errors.
   */
  run(statement: string, parameters?: Readonly<Record<string, unknown>>): Promise<{ readonly rows: readonly Row[]; readonly changes: number }>
  /** Marks what this login has done, for others to wait for. */
  marks(): readonly string[]
  /** Ends it. Never throws. */
  close(): Promise<void>
}

type Driver = Pick<typeof import('neo4j-driver'), 'auth' | 'driver'>

/** The driver, which is installed beside keyturn by those who use this connector. Throws PACKAGE_MISSING when it is not. */
export async function loadDriver(bring: () => Promise<Driver> = () => import('neo4j-driver')): Promise<Driver> {
  try {
    return await bring()
  } catch (cause) {
    throw new KeyturnError('PACKAGE_MISSING', 'neo4j-driver (npm install neo4j-driver@6)', { cause })
  }
}

/** A fresh login, without a statement. `after`: its server first catches up with these marks. Throws the driver's errors. */
export async function login(target: Target, call: Call, after: readonly string[] = []): Promise<Session> {
  call.signal.throwIfAborted()
  const neo4j = await loadDriver()
  const sockets = watchSockets()
  const agent = `${OWN_AGENT}${randomBytes(6).toString('hex')}`
  // The deadline is ours: what the driver says of a time of its own would pass for a word of the server.
  const later = Math.max(0, call.deadline - Date.now()) + 5_000
  const driver = neo4j.driver(urlOf(target), neo4j.auth.basic(target.user, target.password.reveal()), {
    userAgent: agent, telemetryDisabled: true, maxConnectionPoolSize: 1, disableLosslessIntegers: true,
    connectionTimeout: later, connectionAcquisitionTimeout: later, maxTransactionRetryTime: 0, disableAutoCommitRetries: true,
    ...(target.ca === undefined ? {} : { encrypted: 'ENCRYPTION_ON', trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES', trustedCertificates: [target.ca] }),
  })
  const session = driver.session({ database: 'system', bookmarks: [...after] })
  /** What the driver does, or the end of the call's time, whichever comes first. */
  const within = async <T>(body: () => Promise<T>): Promise<T> => {
    call.signal.throwIfAborted()
    let stop = (): void => undefined
    const over = new Promise<never>((_, reject) => {
      stop = () => {
        sockets.cut()
        reject(call.signal.reason)
      }
      call.signal.addEventListener('abort', stop, { once: true })
    })
    try {
      return await sockets.during(() => Promise.race([body(), over]))
    } finally {
      call.signal.removeEventListener('abort', stop)
    }
  }
  const close = async (): Promise<void> => {
    await within(() => driver.close()).catch(() => undefined)
    sockets.cut()
  }
  try {
    await within(() => driver.getServerInfo({ database: 'system' }))
  } catch (thrown) {
    await close()
    throw thrown
  }
  return {
    agent, close,
    run: (statement, parameters = {}) => within(async () => {
      const { records, summary } = await session.run(statement, parameters)
      return { rows: records.map((record): Row => record.toObject()), changes: summary.counters.systemUpdates() }
    }),
    marks: () => session.lastBookmarks(),
  }
}

function urlOf({ scheme, protection, host, port, ca }: Target): string {
  return `${scheme}${ca === undefined ? protection : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
