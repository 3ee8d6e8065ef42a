import { createHmac, timingSafeEqual } from 'node:crypto'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { answerChallenge } from '../../../src/kit/challenge.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { type Client, codeOf } from '../../systems/rig/client.ts'

// A service of the platform as a process of its own: `node service.ts NAME FOLDER`. It takes every value from its environment when it starts,
// and never again: a container does no other. It uses what its environment names, each through the usual client library.

const [name = '', folder = '.'] = process.argv.slice(2)
const env = process.env
const LAME_MS = 300

/** By what its environment has to have. */
const USES = {
  database: ['DATABASE_URL', '../../systems/postgres/client.ts'],
  objects: ['S3_ENDPOINT', '../../systems/s3/client.ts'],
  messages: ['NATS_SERVER', '../../systems/nats/config-client.ts'],
  cache: ['REDIS_URL', '../../systems/redis/client.ts'],
} as const
const OWN: Readonly<Record<string, readonly string[]>> = { 'the0-api': Object.keys(USES), 'the0-scheduler': ['database', 'messages'] }

const clients = new Map<string, Client>()
for (const [what, [key, module]] of Object.entries(USES)) {
  if (env[key] === undefined || OWN[name]?.includes(what) !== true) continue
  const { default: connect } = (await import(new URL(module, import.meta.url).href)) as { readonly default: (env: NodeJS.ProcessEnv, name: string) => Promise<Client> }
  clients.set(what, await connect(env, name))
}

type Answered = readonly [status: number, body: object]

const sign = (text_: string): string => createHmac('sha256', env['JWT_SECRET'] ?? '').update(text_).digest('base64url')
/** A session of the root admin is good for this password alone. */
const passwordMark = (): string => sign(`password:${env['THE0_ADMIN_PASSWORD'] ?? ''}`).slice(0, 16)

function same(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

async function logIn(request: IncomingMessage): Promise<Answered> {
  const { email = '', password = '' } = JSON.parse(await text(request)) as { readonly email?: string; readonly password?: string }
  if (email !== env['THE0_ADMIN_EMAIL'] || !same(password, env['THE0_ADMIN_PASSWORD'] ?? '')) return [401, { error: 'wrong email or password' }]
  const payload = Buffer.from(JSON.stringify({ email, mark: passwordMark() })).toString('base64url')
  return [200, { token: `${payload}.${sign(payload)}` }]
}

function whoIs(request: IncomingMessage): Answered {
  const [payload = '', signature = ''] = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]?.split('.') ?? []
  if (!same(signature, sign(payload))) return [401, { error: 'invalid token' }]
  const { email, mark } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { readonly email: string; readonly mark: string }
  return same(mark, passwordMark()) ? [200, { email }] : [401, { error: 'session ended' }]
}

async function work(what: string): Promise<Answered> {
  try {
    await clients.get(what)?.work()
    return clients.has(what) ? [200, {}] : [404, {}]
  } catch (thrown) {
    return [500, { sqlstate: codeOf(thrown) }]
  }
}

async function health(): Promise<Answered> {
  const states = await Promise.all([...clients.keys()].map(async (what) => [what, (await work(what))[0] === 200 ? 'ok' : 'failed'] as const))
  return [states.some(([, state]) => state === 'failed') ? 503 : 200, Object.fromEntries(states)]
}

async function answer(request: IncomingMessage): Promise<Answered> {
  const [, top = '', rest = ''] = /^\/(\w+)\/?(.*)$/.exec(request.url ?? '') ?? []
  if (top === 'work') return work(rest)
  if (top === 'health') return health()
  if (top === 'me') return whoIs(request)
  if (top === 'auth' && rest === 'login') return logIn(request)
  if (top !== 'attest') return [404, {}]
  const { nonce } = JSON.parse(await text(request)) as { readonly nonce: string }
  return [200, { answer: answerChallenge(new Secret(env[rest] ?? ''), nonce) }]
}

const server = createServer((request, response: ServerResponse) => {
  answer(request).then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)), () => response.writeHead(500).end('{}'))
})

async function end(): Promise<void> {
  await new Promise((resolve) => { server.close(resolve) })
  for (const client of clients.values()) await client.close()
  process.exit(0)
}

process.on('SIGTERM', () => { setTimeout(() => { end().catch(() => process.exit(1)) }, LAME_MS) })
setInterval(() => {
  if (!existsSync(folder)) process.exit(0)
}, 500)

server.listen(0, '127.0.0.1', () => {
  const place = join(folder, 'run', `${name}.json`)
  writeFileSync(`${place}.${process.pid}`, JSON.stringify({ pid: process.pid, port: (server.address() as AddressInfo).port }))
  renameSync(`${place}.${process.pid}`, place)
})
