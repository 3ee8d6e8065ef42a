import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'

/** So much of an answer is read; the inspection of one container is some KiB. */
const BODY_BYTES = 8 * 1024 * 1024

/** What the engine answered. */
export interface EngineResponse {
  readonly status: number
  /** May hold values (the environment of a container): to be looked at, never to be passed on. */
  readonly body: Buffer
}

/** The Engine API of one daemon, on its Unix socket. */
export interface Engine {
  /**
   * One request on a connection of its own. Any status is `done`, see {@link succeeded}. `refused` when nothing was sent: UNREACHABLE
   * without a daemon, RIGHTS_MISSING when the socket may not be used. `unknown` after that. Never throws.
   *
   * The path has no version: the daemon then takes its own, which none refuses; daemons of today refuse those below 1.44, and that of
   * Debian 12 knows none above 1.41 (https://docs.docker.com/reference/api/engine/#versioned-api-and-sdk).
   */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, call: Pick<Call, 'signal'>, body?: object): Promise<Answer<EngineResponse>>
}

/** Opens nothing: every request has its own connection. */
export function openEngine(socket: string): Engine {
  return {
    async ask(method, path, call, body) {
      if (call.signal.aborted) return refused('DEADLINE', 'docker')
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers: OutgoingHttpHeaders = { host: 'docker', connection: 'close', ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) }
      let sent = false
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          // Loaded at the first request: an `import` of node:http costs every start 25 ms.
          const sending = process.getBuiltinModule('node:http').request({ socketPath: socket, method, path, headers, agent: false, signal: call.signal }, resolve)
          sending.once('socket', (one) => one.once('connect', () => { sent = true }))
          sending.on('error', reject)
          sending.once('close', () => reject(new Error('closed')))
          sending.end(text)
        })
        return done({ status: response.statusCode ?? 0, body: await readBody(response) })
      } catch (thrown) {
        const { name, code = name } = reduceCause(thrown)
        if (sent) return unknown(call.signal.aborted ? 'DEADLINE' : 'UNREACHABLE', 'docker', { cause: code })
        if (code === 'EACCES' || code === 'EPERM') return refused('RIGHTS_MISSING', 'to use the socket of docker')
        return refused('UNREACHABLE', 'docker', { cause: code })
      }
    },
  }
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    const piece: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    bytes += piece.length
    if (bytes > BODY_BYTES) throw new RangeError('too long')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/**
 * The body of an answer with a status of 2xx, or one of those in `fine`; empty ones too. A status of 4xx is `refused`, of 5xx
 * `unknown`: the daemon answers 500 also when a container was made and could not be started.
 */
export function succeeded(answer: Answer<EngineResponse>, about: string, fine: readonly number[] = []): Answer<Buffer> {
  if (answer.is !== 'done') return answer
  const { status, body } = answer.value
  if ((status >= 200 && status < 300) || fine.includes(status)) return done(body)
  if (status === 404) return refused('CONSUMER_MISSING', about, { status })
  if (status >= 500) return unknown('SERVER_ERROR', about, { status })
  return refused('REQUEST_REFUSED', about, { status })
}
