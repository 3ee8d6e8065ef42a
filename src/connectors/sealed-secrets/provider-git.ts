import { spawn } from 'node:child_process'
import type { IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * A git server over smart HTTP: git's own program for that (git-http-backend(1)) behind a server of this process. `root` holds bare
 * repositories; with `token` it wants a login, as hosted ones do. Each answer ends its connection unless they are `kept`.
 */
export function gitServer(root: string, { token, kept = false }: { readonly token?: string; readonly kept?: boolean } = {}): (asked: Asked) => Promise<Reply> {
  return async ({ method, url, headers, body }) => {
    const wanted = token === undefined ? undefined : `Basic ${Buffer.from(`git:${token}`).toString('base64')}`
    if (wanted !== undefined && headers.authorization !== wanted) return { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' }, body: Buffer.of() }
    const { pathname, search } = new URL(url, 'http://git')
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'], GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: decodeURIComponent(pathname), QUERY_STRING: search.slice(1), REQUEST_METHOD: method,
        CONTENT_TYPE: headers['content-type'] ?? '', CONTENT_LENGTH: String(body.length), HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(headers['git-protocol'] ?? ''), REMOTE_USER: 'git', REMOTE_ADDR: '127.0.0.1',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    // It may end before it has read all.
    child.stdin.on('error', () => undefined).end(body)
    const { headers: said, ...reply } = replyOf(await buffer(child.stdout))
    return { ...reply, headers: { ...said, ...(kept ? {} : { connection: 'close' }) } }
  }
}

/** What a CGI program printed: headers, an empty line, the body (RFC 3875, 6). */
function replyOf(printed: Buffer): Reply {
  const end = printed.indexOf('\r\n\r\n')
  const lines = printed.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(lines.flatMap((line) => {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? []
    return name === '' ? [] : [[name.toLowerCase(), value] as const]
  }))
  const { status = end < 0 ? '500' : '200', ...kept } = headers
  return { status: Number.parseInt(status, 10), headers: kept, body: printed.subarray(end + 4) }
}

/** Whether a request may move a branch. */
export function isPush({ method, url }: Pick<Asked, 'method' | 'url'>): boolean {
  return method === 'POST' && url.endsWith('/git-receive-pack')
}
