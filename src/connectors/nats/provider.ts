import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Account, ClaimsData, Operator, User } from '@nats-io/jwt'
import { type Frame, splitFrames } from './frames.ts'

/** A NATS server in operator mode with a full resolver, pretended in this process. */
export interface PretendedNats {
  readonly port: number
  /** Ends every connection, and listens no more. */
  close(): Promise<void>
}

/** One connection that is logged in. */
interface Client {
  readonly socket: Socket
  readonly cid: number
  readonly name: string
  readonly jwt: string
  readonly user: string
  readonly account: string
  /** The time of issue of its JWT, unix seconds. */
  readonly issued: number
  /** Its subscriptions: number by subject. */
  readonly listening: Map<string, string>
}

/** As nats-server 2.15.2 shows itself. */
const VERSION = '2.15.2'

interface Connect { readonly jwt?: string; readonly sig?: string; readonly name?: string }

/**
 * Starts it. It speaks as much of the protocol as a login and a request need, checks every signature, and behaves as the real server was
 * seen to: what is revoked cannot log in and is cut off ("User Authentication Revoked"); the limit of connections holds; the requests of
 * the system account are answered as versions 2.9 and 2.15 do.
 * https://docs.nats.io/reference/reference-protocols/nats-protocol
 * https://docs.nats.io/running-a-nats-service/configuration/sys_accounts
 */
export async function startPretendedNats(realm: { readonly operatorJwt: string; readonly systemAccount: string; readonly systemJwt: string }): Promise<PretendedNats> {
  const [operator, system] = [decoded<Operator>(realm.operatorJwt), decoded<Account>(realm.systemJwt)]
  if (operator === undefined || system === undefined) throw new TypeError('no operator')
  const trusted = new Set([operator.sub, ...(operator.nats.signing_keys ?? []).map((key) => (typeof key === 'string' ? key : key.key))])
  const accounts = new Map<string, { readonly jwt: string; readonly claims: Partial<Account> }>()
  accounts.set(realm.systemAccount, { jwt: realm.systemJwt, claims: system.nats })
  const clients = new Set<Client>()
  const sockets = new Set<Socket>()
  const id = `N${randomBytes(20).toString('hex').toUpperCase()}`
  let lastCid = 0

  const connectionsOf = (account: string): Client[] => [...clients].filter((one) => one.account === account)

  /** Why it may not in; the client when it may. */
  function admit(socket: Socket, nonce: string, { jwt = '', sig = '', name = '' }: Connect): Client | string {
    const claims = decoded<User>(jwt)
    const account = claims?.nats.issuer_account ?? claims?.iss ?? ''
    const known = accounts.get(account)?.claims
    const signs = (known?.signing_keys ?? []).map((key) => (typeof key === 'string' ? key : key.key))
    const valid = claims !== undefined && known !== undefined && (claims.iss === account || signs.includes(claims.iss))
      && !isRevoked(known, claims.sub, claims.iat) && verifies(claims.sub, nonce, sig)
    if (!valid) return 'Authorization Violation'
    const most = known.limits?.conn ?? -1
    if (most >= 0 && connectionsOf(account).length >= most) return 'maximum account active connections exceeded'
    lastCid += 1
    return { socket, cid: lastCid, name, jwt, user: claims.sub, account, issued: claims.iat, listening: new Map() }
  }

  /** What the system account answers; undefined when nobody listens. */
  function answer(subject: string, payload: string): string | undefined {
    const reply = (data: object): string => JSON.stringify({ server: { id, name: id, ver: VERSION, time: new Date().toISOString() }, ...data })
    if (subject === '$SYS.REQ.SERVER.PING') return reply({ statsz: { active_servers: 1, connections: clients.size } })
    if (subject === '$SYS.REQ.SERVER.PING.VARZ') return reply({ data: { server_id: id, version: VERSION, trusted_operators_claim: [operator] } })
    if (subject === '$SYS.REQ.SERVER.PING.CONNZ') return reply({ data: connz(JSON.parse(payload) as { acc: string; offset: number; limit: number }) })
    if (subject === '$SYS.REQ.CLAIMS.LIST') return reply({ data: [...accounts.keys()] })
    if (subject === '$SYS.REQ.CLAIMS.UPDATE') return reply(update(payload))
    const [, looked] = /^\$SYS\.REQ\.ACCOUNT\.(\w+)\.CLAIMS\.LOOKUP$/.exec(subject) ?? []
    return looked === undefined ? undefined : (accounts.get(looked)?.jwt ?? '')
  }

  function connz({ acc, offset, limit }: { readonly acc: string; readonly offset: number; readonly limit: number }): object {
    const all = connectionsOf(acc)
    const connections = all.slice(offset, offset + limit).map((one) => ({
      cid: one.cid, kind: 'Client', ip: '127.0.0.1', name: one.name, authorized_user: one.user, account: one.account, jwt: one.jwt,
    }))
    return { server_id: id, now: new Date().toISOString(), num_connections: connections.length, total: all.length, offset, limit, connections }
  }

  function update(jwt: string): object {
    const claims = decoded<Account>(jwt)
    if (claims === undefined) return { error: { account: 'n/a', code: 500, description: 'jwt update resulted in error' } }
    // The real one keeps what a foreign key signed as well, and says 200; but it does not act by it.
    if (trusted.has(claims.iss)) {
      accounts.set(claims.sub, { jwt, claims: claims.nats })
      for (const one of connectionsOf(claims.sub)) if (isRevoked(claims.nats, one.user, one.issued)) refuse(one.socket, 'User Authentication Revoked')
    }
    return { data: { account: claims.sub, code: 200, message: 'jwt updated' } }
  }

  const listener = createServer((socket) => {
    sockets.add(socket)
    const nonce = randomBytes(12).toString('base64url')
    let client: Client | undefined
    socket.on('error', () => socket.destroy()).on('close', () => {
      sockets.delete(socket)
      if (client !== undefined) clients.delete(client)
    })
    socket.on('data', splitFrames((frame: Frame) => {
      const [verb = '', subject = '', reply = ''] = frame.words
      if (verb === 'CONNECT') {
        const admitted = admit(socket, nonce, JSON.parse(frame.words.slice(1).join(' ')) as Connect)
        if (typeof admitted === 'string') return refuse(socket, admitted)
        client = admitted
        clients.add(client)
      }
      if (verb === 'PING') socket.write('PONG\r\n')
      if (client === undefined) return
      if (verb === 'SUB') client.listening.set(subject, frame.words.at(-1) ?? '')
      if (verb !== 'PUB') return
      const said = client.account === realm.systemAccount ? answer(subject, frame.payload.toString()) : undefined
      // Clients listen to one inbox, or to all that begin alike.
      const number = client.listening.get(reply) ?? client.listening.get(reply.replace(/[^.]*$/, '*')) ?? ''
      const header = 'NATS/1.0 503\r\n\r\n'
      socket.write(said === undefined ? `HMSG ${reply} ${number} ${header.length} ${header.length}\r\n${header}\r\n` : `MSG ${reply} ${number} ${Buffer.byteLength(said)}\r\n${said}\r\n`)
    }))
    socket.write(`INFO ${JSON.stringify({ server_id: id, version: VERSION, proto: 1, headers: true, auth_required: true, nonce, max_payload: 1_048_576 })}\r\n`)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

function refuse(socket: Socket, why: string): void {
  socket.end(`-ERR '${why}'\r\n`)
}

/** Undefined when it is none, or its signature is wrong. */
function decoded<T>(jwt: string): ClaimsData<T> | undefined {
  const [head = '', body = '', signature = ''] = jwt.split('.')
  try {
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as ClaimsData<T>
    return verifies(claims.iss, `${head}.${body}`, signature) ? claims : undefined
  } catch {
    return undefined
  }
}

/** By the cryptography of Node, which is a hundred times faster than that of the library: all tests share this one process. */
function verifies(publicKey: string, text: string, signature: string): boolean {
  // One byte says whose key it is, 32 are the key, two its checksum; in front of a bare Ed25519 key stands its description (RFC 8410).
  const raw = Buffer.from(decodeBase32(publicKey)).subarray(1, 33)
  const key = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' })
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'))
}

function decodeBase32(text: string): number[] {
  const bytes: number[] = []
  let [bits, held] = [0, 0]
  for (const letter of text) {
    held = ((held << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter)) & 0xfff
    bits += 5
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff)
  }
  return bytes
}

/** What was issued up to the second of the revocation is refused. */
function isRevoked({ revocations = {} }: Partial<Account>, user: string, issued: number): boolean {
  return issued <= (revocations[user] ?? -1)
}
