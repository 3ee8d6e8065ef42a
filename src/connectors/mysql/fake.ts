import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { Connection } from 'mysql2'
import { type FakeAccount, FakeError, openAccounts, type Rows } from './fake-statements.ts'
import { type FaultyTcp, startFaultyTcp, type Talk } from '../../testing/faulty-tcp.ts'

/** A MySQL 8.0 on loopback, in this process, as far as the connector uses it: real logins over the real protocol, no tables. */
export interface FakeMysql {
  readonly port: number
  /** Of an admin with every right. */
  readonly adminUrl: string
  readonly accounts: FakeAccount[]
  /** One statement about accounts. */
  run(sql: string): void
  /** 151 to begin with. */
  maxConnections: number
  /** Ends what is open. */
  close(): Promise<void>
}

/** What the server side of mysql2 does, which its types leave out. */
interface ServerSide extends Pick<Connection, 'on'> {
  /** Of the packets of one command; the client begins each with 0, and the library does not follow it by itself. */
  sequenceId: number
  readonly stream: { destroy(): void; end(): void; on(event: 'close', listener: () => void): unknown }
  serverHandshake(options: object): void
  writeOk(): void
  writeError(error: { readonly code: number; readonly message: string }): void
  writeTextResult(rows: Rows, columns: readonly object[]): void
}

interface Hello {
  readonly user: string
  readonly authPluginData1: Buffer
  readonly authPluginData2: Buffer
  readonly authToken: Buffer
}

/** CLIENT_LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH. */
const CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000

/** Starts one on a free port. */
export async function startFakeMysql(): Promise<FakeMysql> {
  const { default: mysql } = await import('mysql2')
  const { all, find, run } = openAccounts()
  run(`CREATE USER 'root'@'%' IDENTIFIED WITH 'mysql_native_password' BY 'admin-of-the-test'`)
  run(`GRANT ALL PRIVILEGES ON *.* TO 'root'@'%'`)
  const sessions = new Map<number, { readonly user: string; readonly connection: ServerSide }>()
  const locks = new Map<string, { holder: number; readonly waiting: { readonly by: number; take(): void }[] }>()
  let last = 0

  function leave(id: number): void {
    sessions.delete(id)
    for (const [name, lock] of locks) {
      lock.waiting.splice(0, Infinity, ...lock.waiting.filter(({ by }) => by !== id))
      if (lock.holder !== id) continue
      const next = lock.waiting.shift()
      if (next === undefined) locks.delete(name)
      else {
        lock.holder = next.by
        next.take()
      }
    }
  }

  async function takeLock(name: string, by: number): Promise<Rows> {
    const held = locks.get(name)
    if (held === undefined) locks.set(name, { holder: by, waiting: [] })
    else if (held.holder !== by) await new Promise<void>((take) => { held.waiting.push({ by, take }) })
    return [{ locked: 1 }]
  }

  async function answer(id: number, sql: string): Promise<Rows> {
    const about = run(sql)
    if (about !== undefined) return about
    const locked = /^SELECT GET_LOCK\('([^']+)'/.exec(sql)?.[1]
    if (locked !== undefined) return takeLock(locked, id)
    const users = [...(/ IN \(([^)]*)\)/.exec(sql)?.[1] ?? '').matchAll(/'([^']*)'/g)].map(([, user = '']) => user)
    if (sql.includes('FROM mysql.user')) return all.filter(({ user }) => users.includes(user)).map((one) => (sql.includes('additional_password') ? dualRow(one) : row(one)))
    if (sql.includes('PROCESSLIST')) {
      return [...sessions].filter(([other, { user }]) => other !== id && users.includes(user)).map(([other, { user }]) => ({ id: other, user, host: '127.0.0.1:1', db: null }))
    }
    const killed = /^KILL (\d+)$/.exec(sql)?.[1]
    if (killed !== undefined) {
      const victim = sessions.get(Number(killed))
      if (victim === undefined) throw new FakeError(1094)
      leave(Number(killed))
      victim.connection.stream.destroy()
      return []
    }
    const fixed = ([
      [/^SELECT VERSION/, [{ version: '8.0.36' }]],
      [/read_only/, [{ readOnly: 0, admin: `${sessions.get(id)?.user ?? ''}@%` }]],
      [/^SHOW GRANTS FOR CURRENT_USER/, [{ grants: 'GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION' }]],
      [/UNIX_TIMESTAMP/, [{ clock: Date.now() }]],
      [/max_connections/, [{ most: fake.maxConnections }]],
      [/Threads_connected/, [{ Value: sessions.size }]],
      [/DEFINER/, []],
      [/^SELECT 1$/, [{ 1: 1 }]],
    ] as const satisfies readonly (readonly [RegExp, Rows])[]).find(([on]) => on.test(sql))
    if (fixed === undefined) throw new FakeError(1064)
    return fixed[1]
  }

  const server = mysql.createServer((plain) => {
    const connection = plain as unknown as ServerSide
    const id = last += 1
    connection.on('error', () => connection.stream.destroy())
    connection.stream.on('close', () => leave(id))
    connection.on('stmt_prepare', () => {
      connection.writeOk()
      connection.sequenceId = 0
    })
    connection.on('query', (sql: string) => {
      answer(id, sql).then((rows) => write(connection, sql, rows), (thrown: unknown) => {
        connection.writeError({ code: thrown instanceof FakeError ? thrown.errno : 1105, message: 'said by the fake' })
      }).finally(() => { connection.sequenceId = 0 })
    })
    connection.serverHandshake({
      protocolVersion: 10, serverVersion: '8.0.36', connectionId: id, statusFlags: 2, characterSet: 45, capabilityFlags: CAPABILITIES,
      authCallback: (hello: Hello, done: (error: null, refusal?: { readonly code: number; readonly message: string }) => void) => {
        const account = find(hello.user, '127.0.0.1') ?? find(hello.user, '%')
        const isRight = account !== undefined && [account.kept, account.second].some((hash) => hash !== undefined && opens(hash, hello))
        if (!isRight) done(null, { code: 1045, message: 'Access denied' })
        else if (account.locked) done(null, { code: 3118, message: 'Access denied. Account is locked.' })
        else {
          sessions.set(id, { user: hello.user, connection })
          done(null)
          connection.sequenceId = 0
        }
      },
    })
  })
  const port = await new Promise<number>((resolve) => {
    // Its types know a port alone, and no way to what listens.
    const listening = (server as unknown as { readonly _server: { address(): AddressInfo } })._server
    Reflect.apply(server.listen, server, [0, '127.0.0.1', () => resolve(listening.address().port)])
  })
  const fake: FakeMysql = {
    port, adminUrl: `mysql://root:admin-of-the-test@127.0.0.1:${port}`, accounts: all, run, maxConnections: 151,
    close: () => new Promise((resolve) => {
      for (const { connection } of sessions.values()) connection.stream.destroy()
      server.close(() => resolve())
    }),
  }
  return fake
}

function row({ user, host, plugin, kept, locked }: FakeAccount): Rows[number] {
  return { user, host, plugin, kept, locked: locked ? 'Y' : 'N', several: 0 }
}

function dualRow({ user, host, plugin, kept, second, metadata }: FakeAccount): Rows[number] {
  const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase()
  const noted = (key: string): string | null => {
    const value = metadata['keyturn']?.[key]
    return typeof value === 'string' ? value : null
  }
  return { user, host, plugin, kept: hex(kept), second: second === undefined ? null : hex(second), now: noted('now'), before: noted('before') }
}

/** Whether the answer of a login to the server's random bytes belongs to this hash: mysql_native_password. */
function opens(hash: string, { authPluginData1, authPluginData2, authToken }: Hello): boolean {
  const sha1 = (...parts: readonly Buffer[]): Buffer => createHash('sha1').update(Buffer.concat(parts)).digest()
  const stored = Buffer.from(hash.slice(1), 'hex')
  const mask = sha1(authPluginData1, authPluginData2.subarray(0, 12), stored)
  return authToken.length === 20 && sha1(Buffer.from(authToken.map((byte, at) => byte ^ (mask[at] ?? 0)))).equals(stored)
}

function write(connection: ServerSide, sql: string, rows: Rows): void {
  if (!/^(SELECT|SHOW)/.test(sql)) return connection.writeOk()
  const columns = Object.keys(rows[0] ?? { none: null }).map((name) => ({
    catalog: 'def', schema: '', table: '', orgTable: '', name, orgName: name, characterSet: 45, columnLength: 1000, columnType: 253, flags: 0, decimals: 0,
  }))
  connection.writeTextResult(rows, columns)
}

/** Its errors are numbers of MySQL. */
export type FaultyProxy = FaultyTcp<number>

/**
 * In front of a server of MySQL's protocol: mishaps befall statements.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
 */
export function faultyProxy(server: { readonly host: string; readonly port: number }): Promise<FaultyProxy> {
  return startFaultyTcp(server, () => ({ split: splitPackets, refuse: errorPacket }))
}

/** Three bytes of length, one of sequence, the rest; COM_QUERY is the first packet of a command and begins with 3. */
function splitPackets(each: Parameters<Talk<number>['split']>[0]): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
      const end = 4 + rest.readUIntLE(0, 3)
      const bytes = rest.subarray(0, end)
      each({ bytes, asks: bytes[3] === 0 && bytes[4] === 3 ? bytes.toString('utf8', 5) : undefined })
      rest = rest.subarray(end)
    }
  }
}

/** ERR_Packet, the answer to a command. */
function errorPacket(errno: number): Buffer {
  const body = Buffer.from(`\xff\0\0#HY000produced by the test`, 'latin1')
  body.writeUInt16LE(errno, 1)
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = 1
  return Buffer.concat([head, body])
}
