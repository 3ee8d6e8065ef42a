import { readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'

/** As the monitoring port of nats-server 2.15.2 shows itself. */
const VERSION = '2.15.2'

/** A NATS server with users in its configuration, pretended in this process. */
export interface PretendedNats {
  readonly port: number
  /** The URL of its monitoring port. */
  readonly monitor: string
  /** What its `pid_file` holds. */
  readonly pid: number
  /** Reads its configuration again, as at SIGHUP: what cannot be read changes nothing. */
  reload(): Promise<void>
  /** `max_connections`, from the next reload on. */
  limit(most: number): void
  close(): Promise<void>
}

interface User { readonly user?: string; readonly password?: string; readonly nkey?: string }

interface Client { readonly socket: Socket; readonly cid: number; readonly name: string; readonly user: string; readonly by: string }

interface Connect { readonly user?: string; readonly pass?: string; readonly nkey?: string; readonly sig?: string; readonly name?: string }

/**
 * Starts one that has this file in its `authorization` block and writes its pid file. It behaves as the real server was seen to: at a
 * reload the connections of users that are gone end, those of users that are other ones now with "Authorization Violation", all others stay; a file that it cannot
 * read leaves everything as it was, `config_load_time` too. Logins are checked by password, by hash (bcrypt) or by signature.
 */
export async function startPretendedNats(file: string, pidFile: string): Promise<PretendedNats> {
  const { nkeys } = await import('@nats-io/transport-node')
  const { compare } = await import('bcryptjs')
  // No process of this machine: nothing may be sent to it.
  const pid = 4_000_000 + Math.floor(Math.random() * 100_000)
  const id = `N${randomBytes(20).toString('hex').toUpperCase()}`
  const clients = new Set<Client>()
  const sockets = new Set<Socket>()
  const proven = new Map<string, boolean>()
  let [users, loaded, most, lastCid, next] = [read(file), stamp(), 65_536, 0, 65_536]

  /** A hash takes a tenth of a second: each pair is compared once. */
  async function isPassword(given: string, kept: string): Promise<boolean> {
    if (!kept.startsWith('$2')) return given === kept
    const pair = JSON.stringify([given, kept])
    const known = proven.get(pair) ?? (await compare(given, kept))
    proven.set(pair, known)
    return known
  }

  async function admits({ user, pass = '', nkey, sig = '' }: Connect, nonce: string): Promise<User | undefined> {
    const found = users?.find((one) => (nkey === undefined ? one.user !== undefined && one.user === user : one.nkey === nkey))
    if (found === undefined || nkey === undefined) return found !== undefined && (await isPassword(pass, found.password ?? '')) ? found : undefined
    return nkeys.fromPublic(nkey).verify(Buffer.from(nonce), Buffer.from(sig, 'base64url')) ? found : undefined
  }

  const listener = createServer((socket) => {
    const nonce = randomBytes(11).toString('base64url')
    sockets.add(socket)
    let [rest, client]: [string, Client | undefined] = ['', undefined]
    let turn: Promise<unknown> = Promise.resolve()
    const take = async (line: string): Promise<void> => {
      if (line.startsWith('PING')) socket.write('PONG\r\n')
      if (!line.startsWith('CONNECT ')) return
      if (clients.size >= most) return void socket.end("-ERR 'maximum connections exceeded'\r\n")
      const asked = JSON.parse(line.slice(8)) as Connect
      const user = await admits(asked, nonce)
      if (user === undefined) return violation(socket)
      lastCid += 1
      client = { socket, cid: lastCid, name: asked.name ?? '', user: user.nkey ?? user.user ?? '', by: JSON.stringify(user) }
      clients.add(client)
    }
    socket.on('error', () => socket.destroy()).on('close', () => {
      sockets.delete(socket)
      if (client !== undefined) clients.delete(client)
    })
    socket.on('data', (chunk) => {
      const lines = `${rest}${chunk.toString('latin1')}`.split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) turn = turn.then(() => take(line)).catch(() => socket.destroy())
    })
    socket.write(`INFO ${JSON.stringify({ server_id: id, version: VERSION, proto: 1, headers: true, auth_required: true, nonce, max_payload: 1_048_576 })}\r\n`)
  })

  const monitor = createHttp((asked, answer) => {
    const url = new URL(asked.url ?? '/', 'http://x')
    const [offset, limit] = [Number(url.searchParams.get('offset')), Number(url.searchParams.get('limit') ?? 1024)]
    const page = [...clients].slice(offset, offset + limit).map(({ cid, name, user }) => ({ cid, kind: 'Client', ip: '127.0.0.1', name, authorized_user: user }))
    const said = new Map<string, object>([
      ['/varz', { server_id: id, version: VERSION, now: stamp(), config_load_time: loaded, connections: clients.size, max_connections: most, auth_required: true }],
      ['/connz', { server_id: id, now: stamp(), num_connections: page.length, total: clients.size, offset, limit, connections: page }],
      ['/routez', { server_id: id, now: stamp(), num_routes: 0, routes: [] }],
    ]).get(url.pathname)
    answer.writeHead(said === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(said ?? {}))
  })
  const ports = await Promise.all([listening(listener), listening(monitor)])
  writeFileSync(pidFile, `${pid}`)

  return {
    pid, port: ports[0], monitor: `http://127.0.0.1:${ports[1]}`,
    limit: (connections) => { next = connections },
    async reload() {
      const now = read(file)
      if (now === undefined) return
      [users, most, loaded] = [now, next, stamp()]
      const kept = new Set(now.map((one) => JSON.stringify(one)))
      const there = new Set(now.map(({ user, nkey }) => nkey ?? user))
      for (const { socket, by, user } of clients) {
        if (!there.has(user)) socket.end()
        else if (!kept.has(by)) violation(socket)
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      monitor.closeAllConnections()
      await Promise.all([listener, monitor].map((server: Server) => new Promise((resolve) => { server.close(resolve) })))
    },
  }
}

function violation(socket: Socket): void {
  socket.end("-ERR 'Authorization Violation'\r\n")
}

/** To a nanosecond, as Go writes it: two reloads never have one time. */
function stamp(): string {
  return new Date().toISOString().replace('Z', `${String(process.hrtime.bigint() % 1_000_000n).padStart(6, '0')}Z`)
}

/** Undefined when the server cannot read it. */
function read(file: string): readonly User[] | undefined {
  try {
    const text = readFileSync(file, 'utf8').replaceAll(/"(?:[^"\\]|\\.)*"|(?:#|\/\/).*/g, (token) => (token.startsWith('"') ? token : ''))
    const { users } = JSON.parse(text) as { readonly users: readonly User[] }
    return users
  } catch {
    return undefined
  }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
