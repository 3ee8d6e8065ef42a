import { createHmac, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createClient } from '@redis/client'
import { Pool } from 'pg'
import { assertionOf, readKeyFile } from '../../../src/connectors/zitadel/key-file.ts'
import { answerChallenge } from '../../../src/kit/challenge.ts'
import { Secret } from '../../../src/kit/secret.ts'

// A service of the platform as a process of its own: `node service.ts NAME FOLDER`. It takes every value from its environment, and the key
// file, when it starts, and never again. When it is ready it writes FOLDER/run/NAME.json; at SIGTERM it serves on for a moment, ends what is
// under way and is gone. It also ends when FOLDER is taken away.

const [name = '', folder = '.'] = process.argv.slice(2)
const env = process.env
const LAME_MS = 300

type Answered = readonly [status: number, body: object | string, headers?: Readonly<Record<string, string>>]

const failed = (code: unknown): Answered => [500, { sqlstate: String(code).replaceAll(/\W/g, '_') }]

// --- what it holds -------------------------------------------------------------------------------------------------------------------------

const usesDatabase = name !== 'planner'
const usesRedis = name === 'gateway' && env['ATLAS_REDIS_URL'] !== undefined
const keyFile = env['KEYSTONE_MACHINE_KEY_FILE'] ?? ''
const machineKey = new Secret(existsSync(keyFile) ? readFileSync(keyFile, 'utf8').trimEnd() : '')

const pool = new Pool({ connectionString: env['ATLAS_DB_DSN'], application_name: `atlas-${name}`, max: 4, idleTimeoutMillis: 0 })
pool.on('error', () => undefined)
const redis = createClient({ url: env['ATLAS_REDIS_URL'] ?? 'redis://127.0.0.1:1/6' })
redis.on('error', () => undefined)

// --- what it does with it ------------------------------------------------------------------------------------------------------------------

async function askDatabase(): Promise<Answered> {
  try {
    await pool.query('insert into visits (instance) values ($1)', [name])
    return [200, {}]
  } catch (thrown) {
    return failed((thrown as { code?: unknown }).code)
  }
}

/** The sessions of browsers, in database 6. */
async function askSessions(): Promise<Answered> {
  try {
    await redis.set('session:load', name)
    return [200, { session: await redis.get('session:first') }]
  } catch (thrown) {
    return failed((thrown as Error).name)
  }
}

/** By the gateway of the cell, or at the provider itself: whether a model answered. */
async function askModel(): Promise<boolean> {
  const [base, key] = env['DJED_AI_BASE_URL'] === undefined ? [env['OPENROUTER_BASE_URL'], env['OPENROUTER_API_KEY']] : [`${env['DJED_AI_BASE_URL']}/v1`, env['DJED_AI_API_KEY']]
  const said = await fetch(`${base}/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'planner', messages: [] }) })
  await said.text()
  return said.ok
}

/** What the callback of a login does: the client secret and a code, which is none here. */
async function exchangeCode(): Promise<Answered> {
  const basic = Buffer.from(`${encodeURIComponent(env['ATLAS_BFF_CLIENT_ID'] ?? '')}:${encodeURIComponent(env['ATLAS_BFF_CLIENT_SECRET'] ?? '')}`).toString('base64')
  const form = new URLSearchParams({ grant_type: 'authorization_code', code: 'none', redirect_uri: 'https://atlas.example/callback' })
  const { error } = (await (await fetch(`${env['ZITADEL_URL']}/oauth/v2/token`, { method: 'POST', headers: { authorization: `Basic ${basic}` }, body: form })).json()) as { error?: string }
  return error === 'invalid_client' ? failed(error) : [200, {}]
}

/** What a call to the ontology begins with. */
async function fetchToken(): Promise<Answered> {
  const file = readKeyFile(machineKey)
  const audience = env['ZITADEL_URL'] ?? ''
  const assertion = assertionOf(file?.key, { keyId: file?.keyId ?? '', userId: file?.userId ?? '', audience, now: Date.now() })
  const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', scope: 'openid', assertion: assertion.reveal() })
  const { error } = (await (await fetch(`${audience}/oauth/v2/token`, { method: 'POST', body: form })).json()) as { error?: string }
  return error === undefined ? [200, {}] : failed(error)
}

/** A cookie that the secret of now signed; whoever has none is sent to sign in. */
function readSession(cookie: string | undefined): Answered {
  const [user = '', signature = ''] = /atlas_session=([^;]+)/.exec(cookie ?? '')?.[1]?.split('.') ?? []
  const [given, right] = [Buffer.from(signature), Buffer.from(createHmac('sha256', env['ATLAS_BFF_SESSION_SECRET'] ?? '').update(user).digest('hex'))]
  if (given.length === right.length && timingSafeEqual(given, right)) return [200, { user }]
  return [302, '', { location: `${env['ZITADEL_URL']}/oauth/v2/authorize?client_id=${encodeURIComponent(env['ATLAS_BFF_CLIENT_ID'] ?? '')}` }]
}

async function ready(): Promise<Answered> {
  const mode = env['DJED_AI_BASE_URL'] === undefined ? 'legacy' : 'gateway'
  const states = {
    ...(usesDatabase ? { postgres: (await askDatabase())[0] === 200 ? 'ok' : 'failed' } : {}),
    ...(usesRedis ? { redis: (await askSessions())[0] === 200 ? 'ok' : 'failed' } : {}),
  }
  return [Object.values(states).includes('failed') ? 503 : 200, { ...states, openrouter: `${mode} mode (no recent failure)` }]
}

async function attest(key: string, request: IncomingMessage): Promise<Answered> {
  const { nonce } = JSON.parse(await text(request)) as { readonly nonce: string }
  const value = key === 'KEYSTONE_MACHINE_KEY_FILE' ? machineKey : new Secret(env[key] ?? '')
  return [200, { answer: answerChallenge(value, nonce) }]
}

async function answer(request: IncomingMessage): Promise<Answered> {
  const path = request.url ?? ''
  if (path.startsWith('/keyturn/attest/')) return attest(path.slice('/keyturn/attest/'.length), request)
  switch (path) {
    case '/readyz': return ready()
    case '/work/database': return askDatabase()
    case '/work/sessions': return askSessions()
    case '/work/model': return (await askModel()) ? [200, {}] : failed('baseline')
    case '/work/login': return exchangeCode()
    case '/work/token': return fetchToken()
    case '/api/auth/session': return readSession(request.headers.cookie)
    case '/api/atlas/planner/llm-status': return [200, { mode: env['DJED_AI_BASE_URL'] === undefined ? 'legacy' : 'gateway' }]
    case '/answer/stream': {
      const said = (await askModel()) ? 'event: answer\ndata: an answer of a model\n\n' : 'event: answer\ndata: the baseline fallback\n\n'
      return [200, said, { 'content-type': 'text/event-stream' }]
    }
    default: return [404, {}]
  }
}

// --- its life ------------------------------------------------------------------------------------------------------------------------------

// What it cannot start with is found out now, as by a real one.
if (usesDatabase) await pool.query('select 1')
if (usesRedis) await redis.connect()

const server = createServer((request, response: ServerResponse) => {
  answer(request).then(([status, body, headers]) => response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body)), () => response.writeHead(500).end('{}'))
})

async function end(): Promise<void> {
  await new Promise((resolve) => { server.close(resolve) })
  await pool.end()
  if (usesRedis) await redis.close()
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
