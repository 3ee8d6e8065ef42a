import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What a login may be: `refused` by name and password, `closed` to the virtual host. */
export type Admission = 'accepted' | 'refused' | 'closed'

/** A connection that a client holds. */
export interface FakeConnection {
  readonly user: string
  readonly vhost: string
  readonly name: string
  /** Cuts it. */
  cut(): void
}

export interface FakeAmqp {
  readonly port: number
  readonly open: Set<FakeConnection>
  close(): Promise<void>
}

const [CONNECTION, CHANNEL] = [10, 20]

/**
 * The login of AMQP 0-9-1 and no more: start, tune, open, channels that open and close, goodbye.
 * https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf, 1.4 and 4.2.3; a refused login is closed with 403, as RabbitMQ does for clients
 * that say authentication_failure_close, and a closed one with 530 after the virtual host was named.
 */
export async function startFakeAmqp(admit: (user: string, password: string, vhost: string | undefined) => Admission): Promise<FakeAmqp> {
  const open = new Set<FakeConnection>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let [user, password] = ['', '']
    let mine: FakeConnection | undefined
    const send = (channel: number, kind: number, method: number, ...parts: readonly Buffer[]): void => {
      const payload = Buffer.concat([short(kind), short(method), ...parts])
      socket.write(Buffer.concat([Buffer.from([1]), short(channel), long(payload.length), payload, Buffer.from([0xce])]))
    }
    const end = (code: number, text: string): void => send(0, CONNECTION, 50, short(code), shortText(text), short(0), short(0))
    const answer = (channel: number, kind: number, method: number, args: Buffer): void => {
      if (kind === CHANNEL) send(channel, CHANNEL, method + 1, ...(method === 10 ? [long(0)] : []))
      else if (method === 11) {
        const from = 4 + args.readUInt32BE(0)
        const at = from + 1 + args.readUInt8(from)
        const [, name = '', secret = ''] = args.toString('utf8', at + 4, at + 4 + args.readUInt32BE(at)).split('\0')
        user = name
        password = secret
        if (admit(user, password, undefined) === 'refused') end(403, 'ACCESS_REFUSED - Login was refused')
        else send(0, CONNECTION, 30, short(2047), long(131_072), short(0))
      } else if (method === 40) {
        const vhost = args.toString('utf8', 1, 1 + args.readUInt8(0))
        if (admit(user, password, vhost) !== 'accepted') return end(530, 'NOT_ALLOWED - access refused')
        mine = { user, vhost, name: `127.0.0.1:${socket.remotePort ?? 0} -> 127.0.0.1:${(server.address() as AddressInfo).port}`, cut: () => socket.destroy() }
        open.add(mine)
        send(0, CONNECTION, 41, shortText(''))
      } else if (method === 50) send(0, CONNECTION, 51)
    }
    let rest: Buffer = Buffer.alloc(0)
    let greeted = false
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      if (!greeted && rest.length >= 8) {
        greeted = true
        rest = rest.subarray(8)
        send(0, CONNECTION, 10, Buffer.from([0, 9]), long(0), longText('PLAIN'), longText('en_US'))
      }
      if (!greeted) return
      while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(3)) {
        const last = 7 + rest.readUInt32BE(3)
        if (rest[0] === 1) answer(rest.readUInt16BE(1), rest.readUInt16BE(7), rest.readUInt16BE(9), rest.subarray(11, last))
        rest = rest.subarray(last + 1)
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      if (mine !== undefined) open.delete(mine)
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    port: (server.address() as AddressInfo).port, open,
    close: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
    }),
  }
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)])
}

function longText(text: string): Buffer {
  return Buffer.concat([long(Buffer.byteLength(text)), Buffer.from(text)])
}
