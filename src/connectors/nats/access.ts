import { resolve } from 'node:path'
import { type Answer, placeLabel, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Server } from '../../outside/nats/index.ts'
import { readServers, type Servers } from './account.ts'
import { failure } from './failure.ts'
import type { IssuerConfig } from './manifest.ts'
import { openSession, type Session } from './session.ts'
import { type Creds, readCreds } from './user.ts'

/** What is done on one connection of the system account. */
export interface Work {
  readonly session: Session
  readonly servers: Servers
  /** As whom. */
  readonly creds: Creds
  /** From now on what gets no answer may have had an effect. */
  onSend(): void
}

/** The servers of the manifest, and what to log in with. Pure. */
export function serversOf({ servers, ca }: Pick<IssuerConfig, 'servers' | 'ca'>, host: Pick<Host, 'base'>): readonly Server[] {
  return servers.map((url) => ({ url, ...(ca === undefined ? {} : { ca: resolve(host.base, ca) }) }))
}

/** Logs in as the system user at the first server that can be reached, works, and leaves nothing open. Throws nothing. */
export async function asSystem<T>(config: Pick<IssuerConfig, 'servers' | 'ca' | 'system' | 'account'>, host: Host, call: Call, work: (work: Work) => Promise<Answer<T>>): Promise<Answer<T>> {
  if (call.signal.aborted) return refused('DEADLINE', config.account)
  let [session, sent]: [Session | undefined, boolean] = [undefined, false]
  try {
    const creds = readCreds(await host.resolve(config.system, call))
    if (creds === undefined) throw new KeyturnError('REFERENCE_UNRESOLVED', '`system` does not give the text of a .creds file')
    session = await anySession(serversOf(config, host), creds, call)
    return await work({ session, creds, servers: await readServers(session), onSend: () => { sent = true } })
  } catch (thrown) {
    return failure(thrown, call, sent, config.servers.map(placeOf).join(', '))
  } finally {
    await session?.close()
  }
}

/** Where a server is, without anything else of its URL. */
function placeOf(url: string): string {
  const { hostname, port } = new URL(url)
  return placeLabel(hostname, Number(port === '' ? 4222 : port))
}

/** Any server of a cluster knows what all do. A rejection is the same everywhere and ends the search. */
async function anySession(servers: readonly Server[], creds: Creds, call: Call): Promise<Session> {
  let last: unknown
  for (const server of servers) {
    try {
      return await openSession(server, creds, call)
    } catch (thrown) {
      last = thrown
      if (call.signal.aborted) break
    }
  }
  throw last
}
