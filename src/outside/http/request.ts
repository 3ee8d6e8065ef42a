import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { type Answer, done, placeLabel, refused, unknown } from '../../kit/answer.ts'
import type { Call, Ms } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'

/** 1 MiB of a body is read, where a request says nothing else. */
const BODY_BYTES = 1024 * 1024

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** http or https, without user and password: everybody logs URLs. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string | Secret>>
  /** Bytes where it is no text. */
  readonly body?: string | Secret | Uint8Array
  /** The answer is no text: `text` then holds one character a byte, as latin1 has them. */
  readonly bytes?: true
  /** Looked at after each piece of the body with all that came so far; `true` ends the reading. For streams. */
  readonly until?: (text: string) => boolean
  /** How long a body is read at most; what came until then is the answer. Absent: until the deadline, which is no answer. */
  readonly readFor?: Ms
  /** So many bytes of a body are read, no more; 1 MiB when absent. */
  readonly most?: number
  /** Of https: whom to trust, and how to show who asks. */
  readonly tls?: Tls
}

/** What both sides of a TLS connection show, where the machine's own authorities are not enough. All of it is PEM. */
export interface Tls {
  /** The only authorities that are trusted; the machine's when absent. */
  readonly ca?: string
  /** A client certificate and its key. */
  readonly cert?: string
  readonly key?: Secret
  /** The name that the server's certificate has to have; the host of the URL when absent. */
  readonly servername?: string
  /** Any certificate is taken: what is sent can be read by whoever stands between. */
  readonly unverified?: true
}

export interface HttpResponse {
  readonly status: number
  /** What was read of the body. Never to be passed on into errors, evidence or logs. */
  readonly text: string
  /** Whether `text` is the whole body; not when it was longer than `most`, or `until` or `readFor` ended the reading. */
  readonly complete: boolean
  /** The server's clock by its `date` header, unix ms in whole seconds; absent when it shows none. */
  readonly date?: number
  /** From the start of the request until the reading ended. */
  readonly took: Ms
}

/**
 * One HTTP request on a connection of its own. Any status is `done`, a redirect too: none is followed, so no header goes to
 * another host than the one that was named. What goes wrong:
 * - `refused` UNREACHABLE: no connection, or TLS not agreed on; nothing was sent.
 * - `unknown` DEADLINE, UNREACHABLE: the deadline, or a cut connection, after something may have been sent.
 * - `refused` MANIFEST_INVALID: the URL or a header cannot be sent at all.
 *
 * Built on node:http and not on fetch: a fresh socket per call (a kept one may lead to a process that is gone, and an attestation
 * must not come from a pool), it is known whether anything was sent, and its errors do not quote header values, as those of
 * fetch do.
 *
 * `about` in an answer is host and port. Never throws.
 */
export async function request(asked: HttpRequest, call: Pick<Call, 'signal'>): Promise<Answer<HttpResponse>> {
  const url = URL.canParse(asked.url) ? new URL(asked.url) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    return refused('MANIFEST_INVALID', 'not a http or https URL without user and password')
  }
  const about = placeOf(url)
  if (call.signal.aborted) return refused('DEADLINE', about)
  // Loaded at the first request, and not by `import`: that looks at every export, and one of node:http's loads all of undici (25 ms).
  const scheme = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  const began = Date.now()
  let sent = false
  let sending: ClientRequest
  try {
    sending = scheme.request(url, {
      method: asked.method,
      headers: headersOf(asked),
      agent: false,
      signal: call.signal,
      ...(asked.tls === undefined ? {} : tlsOptions(asked.tls)),
    })
  } catch (thrown) {
    // An invalid header: the message of node names the header, its value is not told.
    return refused('MANIFEST_INVALID', about, { cause: causeOf(thrown) })
  }
  sending.once('socket', (socket) => {
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      sent = true
    })
  })
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sending.once('response', resolve)
      // Stays on: a socket may fail again after the first error.
      sending.on('error', reject)
      // An answer that is none, such as an upgrade, ends the connection without an error.
      sending.once('close', () => reject(new Error('closed')))
      sending.end(asked.body === undefined ? undefined : bodyOf(asked.body))
    })
    const read = await readBody(response, asked)
    const date = Date.parse(response.headers.date ?? '')
    return done({ status: response.statusCode ?? 0, ...read, ...(Number.isNaN(date) ? {} : { date }), took: Date.now() - began })
  } catch (thrown) {
    if (call.signal.aborted) return sent ? unknown('DEADLINE', about) : refused('UNREACHABLE', about, { cause: 'DEADLINE' })
    return (sent ? unknown : refused)('UNREACHABLE', about, { cause: causeOf(thrown) })
  }
}

function placeOf({ hostname, port, protocol }: URL): string {
  return placeLabel(hostname.replaceAll(/[[\]]/g, ''), port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
}

function causeOf(thrown: unknown): string {
  const { name, code } = reduceCause(thrown)
  return code ?? name
}

/** The last line before the wire. */
function headersOf({ headers = {}, body }: HttpRequest): OutgoingHttpHeaders {
  const sent: OutgoingHttpHeaders = { connection: 'close' }
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = textOf(value)
  if (body !== undefined) sent['content-length'] = Buffer.byteLength(bodyOf(body))
  return sent
}

/** As node's own TLS takes them; a last line before the wire as well. */
export function tlsOptions({ ca, cert, key, servername, unverified }: Tls): { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized: boolean } {
  return {
    rejectUnauthorized: unverified !== true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key.reveal() }),
    ...(servername === undefined ? {} : { servername }),
  }
}

function bodyOf(body: string | Secret | Uint8Array): string | Uint8Array {
  return body instanceof Uint8Array ? body : textOf(body)
}

function textOf(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value
}

type Body = Pick<HttpResponse, 'text' | 'complete'>

async function readBody(response: IncomingMessage, { until, readFor, most = BODY_BYTES, bytes: asBytes }: HttpRequest): Promise<Body> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  let cut = false
  const timer = readFor === undefined ? undefined : setTimeout(() => {
    cut = true
    response.destroy()
  }, readFor)
  try {
    for await (const chunk of response) {
      const piece: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
      const room = most - bytes
      bytes += piece.length
      const taken = piece.subarray(0, room)
      text += asBytes === true ? taken.toString('latin1') : decoder.decode(taken, { stream: true })
      if (bytes > most || until?.(text) === true) return { text, complete: false }
    }
    return { text: text + decoder.decode(), complete: !cut }
  } catch (thrown) {
    if (!cut) throw thrown
    return { text, complete: false }
  } finally {
    clearTimeout(timer)
  }
}
