import { type Answer, type Call, type Host, KeyturnError, refused, Secret, unknown } from '../../kit/index.ts'
import { type HttpRequest, request } from '../../outside/http/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** The answer of a request that was carried out. */
export interface Said {
  readonly status: number
  /** The parsed body; undefined where there is none. */
  readonly body: unknown
  /** The server's clock, unix ms. */
  readonly date?: number
}

/** Thrown inside of the connector to end what is under way with this answer; never leaves it. */
export class Stopped extends Error {
  readonly answer: Answer<never>

  constructor(answer: Answer<never>) {
    super('stopped')
    this.answer = answer
  }
}

/** The management API, for one call. */
export interface Api {
  /** Reads; undefined when what is asked for does not exist. Throws {@link Stopped}. */
  get(path: string): Promise<Said | undefined>
  /** Has an effect; a DELETE of what does not exist is done. Throws {@link Stopped}. */
  change(method: 'PUT' | 'DELETE', path: string, body?: object): Promise<void>
}

/** The path of a resource, each part encoded. */
export function pathOf(...parts: readonly string[]): string {
  return `/api/${parts.map((part) => encodeURIComponent(part)).join('/')}`
}

/**
 * Runs the body with the API at hand. What gives no verdict is `refused` as long as no effect was sent and the body has effects at all
 * (`lost`), `unknown` otherwise and for reads.
 */
export async function withApi<T>(
  config: Pick<IssuerConfig, 'api' | 'admin'>, host: Host, call: Call, lost: 'refused' | 'unknown', body: (api: Api) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  let sent = false
  try {
    const password = await host.resolve(config.admin.password, call)
    host.conceal(password)
    const authorization = new Secret(`Basic ${Buffer.from(`${config.admin.user}:${password.reveal()}`).toString('base64')}`)
    const ask = async (method: HttpRequest['method'], path: string, content?: object): Promise<Said> => {
      const answer = await request({
        method, url: `${config.api.replace(/\/$/, '')}${path}`, headers: { authorization, ...(content === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(content === undefined ? {} : { body: new Secret(JSON.stringify(content)) }),
      }, call)
      if (answer.is !== 'done') throw new Stopped(lostAnswer(answer, sent || (method === 'GET' && lost === 'unknown')))
      const { status, text, complete, date } = answer.value
      if (status < 400) return { status, body: text === '' || !complete ? undefined : parsed(text), ...(date === undefined ? {} : { date }) }
      if (status === 404) return { status, body: undefined }
      throw new Stopped(refusal(status, text))
    }
    return await body({
      async get(path) {
        const said = await ask('GET', path)
        return said.status === 404 ? undefined : said
      },
      async change(method, path, content) {
        if (call.signal.aborted) throw new Stopped((sent ? unknown : refused)('DEADLINE'))
        // Only what certainly did not go out leaves this as it is.
        const before = sent
        sent = true
        try {
          const { status } = await ask(method, path, content)
          if (status === 404 && method === 'PUT') throw new Stopped(refused('PRINCIPAL_MISSING', 'a user or a virtual host is gone', { status }))
        } catch (thrown) {
          if (!before && thrown instanceof Stopped && thrown.answer.is === 'refused') sent = false
          throw thrown
        }
      },
    })
  } catch (thrown) {
    if (thrown instanceof Stopped) return thrown.answer
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

/** A connection that never came about has no effect, but what was sent before it may have one. */
function lostAnswer(answer: Exclude<Answer<unknown>, { is: 'done' }>, sent: boolean): Answer<never> {
  if (answer.is === 'ask' || answer.is === 'refused') return answer
  return (sent ? unknown : refused)(answer.code, answer.about, answer.evidence)
}

function refusal(status: number, text: string): Answer<never> {
  const evidence = { status }
  if (status === 401 && text.includes('Login failed')) return refused('ADMIN_REJECTED', undefined, evidence)
  if (status === 401 || status === 403) return refused('RIGHTS_MISSING', 'the admin lacks the tag administrator', evidence)
  if (status === 429) return refused('RATE_LIMITED', undefined, evidence)
  return status >= 500 ? unknown('SERVER_ERROR', undefined, evidence) : refused('REQUEST_REFUSED', undefined, evidence)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Stopped(unknown('RESPONSE_UNFIT', cause instanceof SyntaxError ? 'no JSON' : undefined))
  }
}
