import { createHmac, hkdfSync } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { parseArgs, parseEnv } from 'node:util'
import { openConnections, type Connections } from './connections.ts'

// A small real service, the kind that a rotation has to spare. It knows nothing of keyturn but the address that answers its
// challenge. It is run as a process of its own:
//   node service.ts --name NAME --env FILE --pid-file FILE --port-file FILE [--port N] [--tied]

interface Options {
  /** Its name in the server's list of sessions. */
  readonly name: string
  /** The env file, read at start and at every SIGHUP. */
  readonly env: string
  /** Written when it listens; taken away when it ends. */
  readonly pidFile: string
  readonly portFile: string
  /** 0 takes a free one. */
  readonly port: number
  /** Ends when its stdin does, so that it cannot outlive who started it. */
  readonly tied: boolean
}

interface Reply { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

async function main(options: Options): Promise<void> {
  let current = await connect(options)
  let loginsBefore = 0
  let reloads = 0
  let reloadFailures = 0
  let lastReload = Promise.resolve()

  const reload = async (): Promise<void> => {
    try {
      const next = await connect(options)
      const previous = current
      current = next
      reloads += 1
      await previous.drain()
      loginsBefore += previous.logins()
    } catch (error) {
      // A DSN that does not work must not take a running service down: it goes on with the one that it has.
      reloadFailures += 1
      process.stderr.write(`${options.name}: reload failed: ${sqlstate(error)}; going on with the old connections\n`)
    }
  }

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    switch (`${request.method ?? ''} ${request.url ?? ''}`) {
      case 'GET /work':
        return work(current, options.name)
      case 'GET /healthz':
        return { status: 200, body: { alive: true } }
      case 'GET /readyz':
        return ready(current)
      case 'GET /stats':
        return { status: 200, body: { logins: loginsBefore + current.logins(), reloads, reloadFailures } }
      case 'POST /keyturn/attest':
        return attest(current.password, await json(request))
      default:
        return { status: 404, body: {} }
    }
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, { status: 500, body: { sqlstate: sqlstate(error) } }),
    )
  })
  // Longer than any client here keeps a connection, so that the service is never the one to close it under a request.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => { server.listen(options.port, '127.0.0.1', resolve) })

  // One reload after the other: each waits until the one before has drained.
  process.on('SIGHUP', () => {
    lastReload = lastReload.then(reload)
  })
  let ending = false
  const end = async (): Promise<void> => {
    if (ending) return
    ending = true
    await rm(options.pidFile, { force: true })
    const closed = new Promise((resolve) => { server.close(resolve) })
    server.closeIdleConnections()
    await closed
    await lastReload
    await current.drain()
    process.exit(0)
  }
  process.on('SIGTERM', end)
  if (options.tied) process.stdin.on('error', end).on('end', end).resume()

  await place(options.portFile, String((server.address() as AddressInfo).port))
  await place(options.pidFile, String(process.pid))
}

/** Opens the pool of what the env file says now; throws when not even one login works. */
async function connect(options: Options): Promise<Connections> {
  const dsn = parseEnv(await readFile(options.env, 'utf8'))['APP_DATABASE_URL']
  if (dsn === undefined) throw new Error('APP_DATABASE_URL is not set')
  const opened = openConnections(dsn, options.name)
  try {
    await opened.query('select 1')
    return opened
  } catch (error) {
    await opened.drain()
    throw error
  }
}

/** One visit written and read back. It holds its connection for some milliseconds, as a real query does. */
async function work(connections: Connections, name: string): Promise<Reply> {
  const { rows } = await connections.query(
    'with visit as (insert into visits (instance) values ($1) returning id) select id, pg_sleep(0.02)::text from visit', [name])
  return { status: 200, body: { visit: rows[0]?.['id'] } }
}

async function ready(connections: Connections): Promise<Reply> {
  try {
    await connections.query('select 1')
    return { status: 200, body: { postgres: 'ok' } }
  } catch (error) {
    return { status: 503, body: { postgres: 'failed', sqlstate: sqlstate(error) } }
  }
}

/**
 * Proves which password the service holds without showing it: HMAC-SHA256 of the nonce under a key that is derived for this
 * purpose alone. Written out here, since a service needs no library for it.
 */
function attest(password: string, asked: unknown): Reply {
  if (typeof asked !== 'object' || asked === null || !('nonce' in asked) || typeof asked.nonce !== 'string') {
    return { status: 400, body: {} }
  }
  const key = Buffer.from(hkdfSync('sha256', password, '', 'keyturn/attest/v1', 32))
  return { status: 200, body: { answer: createHmac('sha256', key).update(asked.nonce).digest('hex') } }
}

function sqlstate(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'none'
}

function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(reply.body))
}

/** Whoever reads the file sees all of it or nothing. */
async function place(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, `${text}\n`)
  await rename(`${file}.new`, file)
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'service' },
      env: { type: 'string', default: '.env' },
      'pid-file': { type: 'string', default: 'service.pid' },
      'port-file': { type: 'string', default: 'service.port' },
      port: { type: 'string', default: '0' },
      tied: { type: 'boolean', default: false },
    },
  })
  await main({
    name: values.name,
    env: values.env,
    pidFile: values['pid-file'],
    portFile: values['port-file'],
    port: Number(values.port),
    tied: values.tied,
  })
}
