import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** One node of Qdrant in this process, as far as the connector uses it; it takes its keys from its file when it starts, and only then. */
export interface FakeQdrant extends FaultyHttp {
  /** What `restart` of the node is in a manifest: a command that starts it anew. */
  readonly command: readonly string[]
  /** How often it was started anew. */
  readonly restarts: number
  /** What befalls the next restart: it fails before anything, fails afterwards, or comes so many ms later than anybody waits. */
  spoil(how: 'before' | 'after' | number): void
}

/** What the server reads of an env file of ours. */
function keysIn(file: string): ReadonlyMap<string, string> {
  const lines = readFileSync(file, 'utf8').split('\n')
  return new Map(lines.flatMap((line) => {
    const [, name, value] = /^(?:QDRANT__SERVICE__|\s+)(\w*api_key)(?:=|:\s*)["']?([^"']*)["']?$/i.exec(line) ?? []
    return name === undefined || value === undefined || value === '' ? [] : [[name.toLowerCase(), value] as const]
  }))
}

/**
 * Starts one. Paths, statuses and bodies are those in the source of Qdrant 1.17 (src/actix/auth.rs, src/common/auth/mod.rs): 401 with
 * a text for a wrong key, 403 for a write with the read-only one, an empty key counts as none, and without any key everybody is let in.
 */
export async function startFakeQdrant(file: string, version = '1.17.0'): Promise<FakeQdrant> {
  let [keys, startup, restarts] = [keysIn(file), new Date().toISOString(), 0]
  let spoilt: 'before' | 'after' | number | undefined

  function start(): void {
    keys = keysIn(file)
    startup = new Date().toISOString()
    restarts += 1
  }
  async function startAnew(): Promise<HttpReply> {
    const how = spoilt
    spoilt = undefined
    if (how === 'before') return { status: 500 }
    if (typeof how === 'number') await pause(how)
    start()
    return { status: how === 'after' ? 500 : 200 }
  }
  function answer({ method, url, headers }: HttpAsked): HttpReply | Promise<HttpReply> {
    if (url === '/test/restart' && method === 'POST') return startAnew()
    if (url === '/') return json({ title: 'qdrant - vector search engine', version, commit: 'f'.repeat(40) })
    if (url === '/readyz') return { status: 200, body: 'all shards are ready' }
    const key = [headers['api-key']].flat()[0] ?? /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1]
    const mayWrite = keys.size === 0 || (key !== undefined && (key === keys.get('api_key') || key === keys.get('alt_api_key')))
    const mayRead = mayWrite || (key !== undefined && key === keys.get('read_only_api_key'))
    if (key === undefined && !mayRead) return { status: 401, body: 'Must provide an API key or an Authorization bearer token' }
    if (!mayRead) return { status: 401, body: 'Invalid API key or JWT' }
    if (url === '/telemetry') return json({ result: { id: 'fake', app: { name: 'qdrant', version, startup } }, status: 'ok', time: 0 })
    if (method === 'GET' && url === '/collections') return json({ result: { collections: [] }, status: 'ok', time: 0 })
    if (method !== 'DELETE') return { status: 404 }
    return mayWrite ? json({ result: false, status: 'ok', time: 0 }) : { status: 403, body: JSON.stringify({ status: { error: 'Forbidden: Global manage access is required' }, time: 0 }) }
  }
  const server = await startFaultyHttp({ answer, isEffect: () => false })
  const program = 'require("node:http").request(process.argv[1], { method: "POST" }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on("error", () => process.exit(1)).end()'
  return {
    ...server,
    command: [process.execPath, '-e', program, `${server.url}/test/restart`],
    get restarts() { return restarts },
    spoil: (how) => { spoilt = how },
  }
}

function json(body: object): HttpReply {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
