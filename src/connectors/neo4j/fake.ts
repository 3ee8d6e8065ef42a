import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type FaultyTcp, startFaultyTcp, type Talk } from '../../testing/faulty-tcp.ts'
import { failureOf, frame, mapOf, MESSAGE, splitter } from './fake-bolt.ts'
import { type Packed, type Structure, structure } from './fake-packstream.ts'
import { FakeRefusal, FakeUsers } from './fake-users.ts'

/** A Neo4j in this process, as far as the connector uses it: real logins over Bolt, administration, no graph. */
export interface FakeNeo4j {
  /** Of its servers, the one that leads first. */
  readonly ports: readonly number[]
  readonly admin: { readonly user: string; readonly password: string }
  readonly users: FakeUsers
  /** No thread is left to serve a connection. */
  full: boolean
  /** Whether `dbms.listConnections` and `dbms.killConnections` are loaded. */
  procedures: boolean
  /** What SHOW SETTINGS says of `dbms.security.auth_max_failed_attempts`. */
  attempts: number
  close(): Promise<void>
}

interface Connection {
  readonly id: string
  readonly socket: Socket
  readonly since: string
  agent: string
  user: string | undefined
  failed: boolean
  rows: readonly Packed[][]
  changes: number
}

interface Table {
  readonly columns: readonly string[]
  readonly rows?: readonly Packed[][]
  readonly changes?: number
}

const COLUMNS = /YIELD (.*)$/

/** Starts one on free ports. Messages, codes and texts are those of Neo4j 5.26.30; it talks Bolt 5.3. */
export async function startFakeNeo4j({ edition = 'community', servers = 1 }: { readonly edition?: 'community' | 'enterprise'; readonly servers?: number } = {}): Promise<FakeNeo4j> {
  const admin = { user: 'neo4j', password: 'admin-of-the-test' }
  const users = new FakeUsers(edition === 'enterprise')
  users.change('CREATE USER $user SET PASSWORD $password CHANGE NOT REQUIRED', admin)
  const nodes = Array.from({ length: servers }, () => ({ open: new Map<string, Connection>(), listener: createServer() }))
  const fake = { admin, users, full: false, procedures: true, attempts: 3 }
  let last = 0

  function run(at: number, me: Connection, statement: string, parameters: { readonly [key: string]: Packed }): Table {
    if (users.mustChange(me.user ?? '')) throw new FakeRefusal('ClientError.Security.CredentialsExpired', 'Permission denied.')
    const columns = (COLUMNS.exec(statement)?.[1] ?? '').split(', ')
    const open = nodes[at]?.open ?? new Map<string, Connection>()
    if (statement === 'RETURN 1') return { columns: ['1'], rows: [[1]] }
    if (statement.startsWith('SHOW USERS ')) return { columns, rows: users.rows() }
    if (statement.startsWith('CALL dbms.components()')) return { columns, rows: [['Neo4j Kernel', ['5.26.30'], edition]] }
    if (statement.startsWith('SHOW SETTINGS ')) return { columns, rows: [['dbms.security.auth_max_failed_attempts', String(fake.attempts)]] }
    if (statement.startsWith('SHOW DATABASE system ')) return { columns, rows: nodes.map(({ listener }) => [`127.0.0.1:${portOf(listener)}`]) }
    if (statement.startsWith('SHOW USER PRIVILEGES ') && edition === 'enterprise') return { columns, rows: users.actions.map((action) => ['GRANTED', action, 'database']) }
    if (statement.startsWith('CALL dbms.') && !fake.procedures) throw new FakeRefusal('ClientError.Procedure.ProcedureNotFound', 'There is no procedure with this name registered for this database instance.')
    if (statement.startsWith('CALL dbms.listConnections()')) {
      return { columns, rows: [...open.values()].filter(({ user }) => user !== undefined).map((one) => [one.id, one.since, one.user ?? '', one.agent, `127.0.0.1:${one.socket.remotePort ?? 0}`]) }
    }
    if (statement.startsWith('CALL dbms.killConnections($ids)')) {
      const ids = parameters['ids']
      return { columns, rows: (Array.isArray(ids) ? ids : []).map((id: Packed) => {
        const found = open.get(String(id))
        found?.socket.destroy()
        open.delete(String(id))
        return [id, found === undefined ? 'No connection found with this id' : 'Connection found']
      }) }
    }
    if (at > 0) throw new FakeRefusal('ClientError.Cluster.NotALeader', 'No longer leader for request')
    const changes = users.change(statement, parameters)
    if (changes === undefined) throw new FakeRefusal('ClientError.Statement.SyntaxError', `Invalid input '${statement.split(' ')[0]}'`)
    return { columns: [], changes }
  }

  function answer(at: number, me: Connection, { tag, fields: [first, second] }: Structure): readonly Structure[] {
    if (tag === MESSAGE.reset) {
      me.failed = false
      return [structure(MESSAGE.success, {})]
    }
    if (me.failed) return [structure(MESSAGE.ignored)]
    if (fake.full) throw new FakeRefusal('TransientError.Request.NoThreadsAvailable', 'There are no available threads to serve this request at the moment.')
    if (tag === MESSAGE.hello) {
      me.agent = String(mapOf(first)['user_agent'])
      return [structure(MESSAGE.success, { server: 'Neo4j/5.26.30', connection_id: me.id, hints: {} })]
    }
    if (tag === MESSAGE.logon) {
      const { principal, credentials } = mapOf(first)
      users.login(String(principal), String(credentials))
      me.user = String(principal)
      return [structure(MESSAGE.success, {})]
    }
    if (tag === MESSAGE.route) {
      const each = ['WRITE', 'READ', 'ROUTE'].map((role): Packed => ({ role, addresses: [`127.0.0.1:${portOf(nodes[0]?.listener)}`] }))
      return [structure(MESSAGE.success, { rt: { ttl: 300, db: 'system', servers: each } })]
    }
    if (tag === MESSAGE.run) {
      const { columns, rows = [], changes = 0 } = run(at, me, String(first), mapOf(second))
      Object.assign(me, { rows, changes })
      return [structure(MESSAGE.success, { fields: columns, t_first: 0, qid: 0 })]
    }
    if (tag === MESSAGE.pull || tag === MESSAGE.discard) {
      const [rows, changes] = [me.rows, me.changes]
      Object.assign(me, { rows: [], changes: 0 })
      const stats = changes === 0 ? {} : { stats: { 'contains-system-updates': true, 'system-updates': changes } }
      return [...rows.map((row) => structure(MESSAGE.record, row)), structure(MESSAGE.success, { type: 's', t_last: 0, db: 'system', ...stats })]
    }
    // A transaction begins or ends.
    return [structure(MESSAGE.success, { bookmark: 'FB:fake' })]
  }

  for (const [at, { listener, open }] of nodes.entries()) {
    listener.on('connection', (socket) => {
      last += 1
      const me: Connection = { id: `bolt-${last}`, socket, since: new Date().toISOString(), agent: '', user: undefined, failed: false, rows: [], changes: 0 }
      open.set(me.id, me)
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(me.id))
      socket.on('data', splitter(({ bytes, message }) => {
        if (message === undefined) {
          if (bytes.length === 20) socket.write(Buffer.from([0, 0, 3, 5]))
          return
        }
        if (message.tag === MESSAGE.goodbye) return void socket.end()
        try {
          socket.write(Buffer.concat(answer(at, me, message).map(frame)))
        } catch (thrown) {
          if (!(thrown instanceof FakeRefusal)) throw thrown
          me.failed = true
          socket.write(frame(failureOf(thrown.code, thrown.message)))
          // Whoever is not let in is shown out.
          if (me.user === undefined) socket.end()
        }
      }))
    })
    await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve) })
  }
  return Object.assign(fake, {
    ports: nodes.map(({ listener }) => portOf(listener)),
    async close() {
      for (const { listener, open } of nodes) {
        for (const { socket } of open.values()) socket.destroy()
        await new Promise((resolve) => { listener.close(resolve) })
      }
    },
  })
}

function portOf(listener: { address(): AddressInfo | string | null } | undefined): number {
  const address = listener?.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/**
 * A proxy on loopback before a Neo4j, real or pretended, that produces faults. Mishaps are matched with the text of a statement, which
 * goes or stays together with the request for its rows.
 */
export function startFaultyBolt(server: { readonly port: number }): Promise<FaultyTcp<string>> {
  return startFaultyTcp(server, talk)
}

function talk(): Talk<string> {
  return {
    split: (each) => {
      let held: { readonly bytes: Buffer; readonly statement: string } | undefined
      return splitter(({ bytes, message }) => {
        const [statement] = message?.fields ?? []
        if (message?.tag === MESSAGE.run && typeof statement === 'string') held = { bytes, statement }
        else if (held === undefined) each({ bytes, asks: undefined })
        else {
          each({ bytes: Buffer.concat([held.bytes, bytes]), asks: held.statement })
          held = undefined
        }
      })
    },
    refuse: (code) => Buffer.concat([frame(failureOf(code, 'an error of the server')), frame(structure(MESSAGE.ignored))]),
  }
}
