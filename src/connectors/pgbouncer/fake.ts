import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { cut } from './userlist.ts'

/** `slow` hears and never answers, `reset` cuts the connection, `error` refuses what is asked, as to somebody without rights. */
export type PoolerFault = 'none' | 'slow' | 'reset' | 'error'

/** A client that stays connected. */
export interface FakeClient {
  readonly user: string
  readonly application: string
}

/** A PgBouncer 1.18 with `auth_type = plain`, in front of a server that takes whom it lets in. In this process, on loopback. */
export interface FakePooler {
  readonly port: number
  fault: PoolerFault
  /** What SHOW CONFIG says beside `admin_users`. */
  settings: Readonly<Record<string, string>>
  /** Shown by SHOW CLIENTS. */
  clients: readonly FakeClient[]
  /** Stops listening and cuts what is open. May be repeated. */
  close(): Promise<void>
}

/** RELOAD answers at once, the auth file is read by the next round of maintenance: some 300 ms in a real one. */
const MAINTENANCE_MS = 30

/**
 * Starts one that reads this auth file; its console is for the user `pooladmin`. Messages are those of
 * https://www.postgresql.org/docs/current/protocol-message-formats.html, texts and codes those of PgBouncer 1.18.
 */
export async function startFakePooler(authFile: string): Promise<FakePooler> {
  const open = new Set<Socket>()
  let users = readUsers(authFile)
  let maintenance: NodeJS.Timeout | undefined

  function answer(sql: string): Buffer {
    const text = sql.replace(/\0$/, '')
    const settings = { admin_users: 'pooladmin', auth_type: 'plain', so_reuseport: '0', server_idle_timeout: '600', ...pooler.settings }
    if (text === 'RELOAD') {
      maintenance ??= setTimeout(() => {
        maintenance = undefined
        users = readUsers(authFile)
      }, MAINTENANCE_MS)
      return message('C', 'RELOAD\0')
    }
    if (text === 'SHOW CONFIG') return table(['key', 'value'], Object.entries(settings))
    if (text === 'SHOW VERSION') return table(['version'], [['PgBouncer 1.18.0']])
    if (text === 'SHOW CLIENTS') return table(['user', 'database', 'application_name'], pooler.clients.map(({ user, application }) => [user, 'app', application]))
    return refusal('08P01', "invalid command '?', use SHOW HELP;")
  }

  /** One message of a client that is in its login or past it; answers what goes back. */
  function hear(client: { user: string; database: string; in: boolean }, type: string, body: string): Buffer {
    if (pooler.fault === 'error' && client.in) return Buffer.concat([refusal('08P01', 'admin access needed'), READY])
    if (type === 'p') {
      client.in = users?.get(client.user) === body.replace(/\0$/, '')
      if (!client.in) return refusal('08P01', 'password authentication failed')
      if (client.database === 'pgbouncer' && client.user !== 'pooladmin') return refusal('08P01', 'not allowed')
      return Buffer.concat([message('R', '\0\0\0\0'), READY])
    }
    if (client.database === 'pgbouncer') return Buffer.concat([answer(body), READY])
    return Buffer.concat([table(['?column?'], [['1']]), READY])
  }

  const listener = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket)).on('error', () => socket.destroy())
    const client = { user: '', database: '', in: false }
    let rest = Buffer.alloc(0)
    let started = false
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes])
      for (;;) {
        const head = started ? 1 : 0
        if (rest.length < head + 4 || rest.length < head + rest.readInt32BE(head)) return
        const type = started ? String.fromCharCode(rest[0] ?? 0) : ''
        const body = rest.subarray(head + 4, head + rest.readInt32BE(head)).toString('latin1')
        rest = rest.subarray(head + rest.readInt32BE(head))
        if (pooler.fault === 'slow') continue
        if (pooler.fault === 'reset') socket.resetAndDestroy()
        else if (type === 'X') socket.end()
        else if (started) {
          const said = hear(client, type, body)
          if (client.in) socket.write(said)
          else socket.end(said)
        } else {
          const words = body.slice(4).split('\0')
          const of = (name: string): string => words[words.indexOf(name) + 1] ?? ''
          Object.assign(client, { user: of('user'), database: of('database') })
          started = true
          // Cleartext, as `auth_type = plain` asks.
          socket.write(message('R', '\0\0\0\u0003'))
        }
      }
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const pooler: FakePooler = {
    port: (listener.address() as AddressInfo).port,
    fault: 'none', settings: {}, clients: [],
    close: async () => {
      clearTimeout(maintenance)
      for (const socket of open) socket.destroy()
      if (listener.listening) await new Promise((resolve) => listener.close(resolve))
    },
  }
  return pooler
}

/** Of a file that it cannot read to its end a real one takes what stands before that place; this one takes nobody. */
function readUsers(authFile: string): ReadonlyMap<string, string> | undefined {
  const lines = cut(readFileSync(authFile, 'latin1'))?.filter((piece) => 'user' in piece)
  return lines && new Map(lines.map(({ user, secret }) => [user, secret]))
}

function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1')
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

const READY = message('Z', 'I')

function refusal(sqlstate: string, text: string): Buffer {
  return message('E', `SFATAL\0C${sqlstate}\0M${text}\0\0`)
}

/** RowDescription with columns of text, DataRows and CommandComplete. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): Buffer {
  const int = (value: number, size: 2 | 4): string => Buffer.from([...(size === 4 ? [value >> 24, value >> 16] : []), value >> 8, value].map((byte) => byte & 255)).toString('latin1')
  const described = columns.map((name) => `${name}\0${int(0, 4)}${int(0, 2)}${int(25, 4)}${int(-1, 2)}${int(-1, 4)}${int(0, 2)}`)
  return Buffer.concat([
    message('T', int(columns.length, 2) + described.join('')),
    ...rows.map((row) => message('D', int(row.length, 2) + row.map((value) => int(value.length, 4) + value).join(''))),
    message('C', 'SHOW\0'),
  ])
}
