import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What goes wrong with every query: `slow` never answers, `error` is a 500 of a proxy, `reset` cuts the connection, `half` cuts it in the
 * middle of the answer, `timeout` is the server's own 503, `execution` its 422, `bad` its 400, `page` a page of somebody else's with 200.
 */
export type Fault = 'none' | 'slow' | 'error' | 'reset' | 'half' | 'timeout' | 'execution' | 'bad' | 'page'

/** A series with its newest sample. */
export interface FakeSeries {
  readonly labels: Readonly<Record<string, string>>
  /** As the API writes it. */
  readonly value: string
  /** How old the sample is, ms. */
  readonly age?: number
}

/** The instant query API of a Prometheus on loopback, in this process. Every query selects all series; `timestamp()` is understood. */
export interface FakePrometheus {
  /** Without a slash at its end. */
  readonly url: string
  fault: Fault
  series: readonly FakeSeries[]
  /** `scalar` gives the value of the first series, `histogram` series without a value. */
  gives: 'vector' | 'scalar' | 'matrix' | 'string' | 'histogram'
  warnings: readonly string[]
  /** By how much its clock is ahead, ms. */
  ahead: number
  /** Where not empty, the header `authorization` has to be one of these, else 401. */
  readonly accepts: Set<string>
  /** The parameters of every query that came, and the headers. */
  readonly received: { readonly parameters: Readonly<Record<string, string>>; readonly headers: Readonly<Record<string, unknown>> }[]
  close(): Promise<void>
}

/** Starts one on a free port. https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries */
export async function startPrometheus(): Promise<FakePrometheus> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake')
    fake.received.push({ parameters: Object.fromEntries(searchParams), headers: request.headers })
    if (pathname !== '/api/v1/query') response.writeHead(404).end('404 page not found')
    else if (fake.accepts.size > 0 && !fake.accepts.has(request.headers.authorization ?? '')) response.writeHead(401).end('Unauthorized')
    else if (!failed(fake.fault, response)) send(response, 200, { status: 'success', ...(fake.warnings.length > 0 ? { warnings: fake.warnings } : {}), data: dataOf(fake, searchParams.get('query') ?? '') })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const fake: FakePrometheus = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: 'none',
    series: [],
    gives: 'vector',
    warnings: [],
    ahead: 0,
    accepts: new Set(),
    received: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return fake
}

function dataOf({ series, gives, ahead }: FakePrometheus, query: string): object {
  const now = Date.now() + ahead
  const at = now / 1000
  if (query.startsWith('timestamp(')) {
    return { resultType: 'vector', result: series.map(({ labels, age = 0 }) => ({ metric: labels, value: [at, String((now - age) / 1000)] })) }
  }
  if (gives === 'scalar' || gives === 'string') return { resultType: gives, result: [at, series[0]?.value ?? ''] }
  if (gives === 'matrix') return { resultType: 'matrix', result: series.map(({ labels, value }) => ({ metric: labels, values: [[at, value]] })) }
  const histogram = { count: '1', sum: '1', buckets: [[0, '0', '1', '1']] }
  return { resultType: 'vector', result: series.map(({ labels, value }) => ({ metric: labels, ...(gives === 'histogram' ? { histogram: [at, histogram] } : { value: [at, value] }) })) }
}

function failed(fault: Fault, response: ServerResponse): boolean {
  const envelope = (status: number, errorType: string): void => send(response, status, { status: 'error', errorType, error: `${errorType}: of the query that was sent` })
  if (fault === 'error') response.writeHead(500).end('Internal Server Error')
  else if (fault === 'reset') response.destroy()
  else if (fault === 'half') response.writeHead(200, { 'content-length': 1_000_000 }).write('{', () => response.destroy())
  else if (fault === 'timeout') envelope(503, 'timeout')
  else if (fault === 'execution') envelope(422, 'execution')
  else if (fault === 'bad') envelope(400, 'bad_data')
  else if (fault === 'page') response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Log in</title>')
  return fault !== 'none'
}

function send(response: ServerResponse, status: number, document: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}
