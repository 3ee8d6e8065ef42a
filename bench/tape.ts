import { Client, type ClientConfig } from 'pg'

type Ask = (...given: unknown[]) => Promise<unknown>

/** What a rotation did to the outside, in its order. */
type Act =
  | { readonly do: 'login'; readonly as: number; readonly config: ClientConfig }
  | { readonly do: 'query'; readonly as: number; readonly sql: string; readonly values: unknown[] }
  | { readonly do: 'close'; readonly as: number }
  | { readonly do: 'reload'; readonly ms: number }
  /** A wait; or between two looks whether sessions are gone: a login that passed just before may appear a moment later. */
  | { readonly do: 'pause'; readonly ms: number }

/** How long the connector waits between the two looks (connectors/postgres/end.ts); nobody who does it by hand could look sooner. */
const LOOKS_APART_MS = 20

export interface Tape {
  readonly acts: readonly Act[]
  reload(ms: number): void
  /** A wait of the engine: the grace, between two looks, the undo window. */
  wait(ms: number): void
  counts(): { readonly logins: number; readonly statements: number }
  /** Ends the recording. */
  stop(): void
}

/** Listens to every client of `pg` in this process until it is stopped. */
export function record(): Tape {
  const acts: Act[] = []
  const clients = new Map<unknown, number>()
  const { prototype } = Client
  const { connect, query, end } = prototype as unknown as Record<'connect' | 'query' | 'end', Ask>
  const patched: Record<'connect' | 'query' | 'end', Ask> = {
    async connect(this: Client, ...given) {
      clients.set(this, clients.size)
      const password: unknown = this.password
      const config = {
        host: this.host, port: this.port, database: this.database ?? '', user: this.user ?? '', application_name: 'keyturn',
        password: typeof password === 'function' ? String((password as () => unknown)()) : String(password),
      }
      acts.push({ do: 'login', as: clients.size - 1, config })
      return connect.apply(this, given)
    },
    query(this: Client, ...given) {
      const last = acts.at(-1)
      const as = clients.get(this) ?? -1
      const sql = String(given[0])
      if (last?.do === 'query' && last.as === as && last.sql === sql) acts.push({ do: 'pause', ms: LOOKS_APART_MS })
      acts.push({ do: 'query', as, sql, values: Array.isArray(given[1]) ? given[1] : [] })
      return query.apply(this, given)
    },
    end(this: Client, ...given) {
      acts.push({ do: 'close', as: clients.get(this) ?? -1 })
      return end.apply(this, given)
    },
  }
  Object.assign(prototype, patched)
  return {
    acts,
    reload: (ms) => { acts.push({ do: 'reload', ms }) },
    wait: (ms) => { acts.push({ do: 'pause', ms }) },
    counts: () => ({ logins: clients.size, statements: acts.filter((act) => act.do === 'query').length }),
    stop: () => { Object.assign(prototype, { connect, query, end }) },
  }
}

/** Does the same acts again, one after the other and nothing else. */
export async function replay(tape: Tape, pause: (ms: number) => Promise<unknown>): Promise<void> {
  const clients = new Map<number, Client>()
  for (const act of tape.acts) {
    switch (act.do) {
      case 'login': {
        const client = new Client(act.config)
        client.on('error', () => undefined)
        // A login that was refused is refused again.
        if (await client.connect().then(() => true, () => false)) clients.set(act.as, client)
        break
      }
      case 'query':
        await clients.get(act.as)?.query(act.sql, act.values.length === 0 ? undefined : act.values)
        break
      case 'close':
        await clients.get(act.as)?.end()
        break
      case 'pause':
      case 'reload':
        if (act.ms > 0) await pause(act.ms)
    }
  }
}
