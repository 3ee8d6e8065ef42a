import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { ALNUM, generate } from '../../kit/generate.ts'
import { type FaultyHttp, startFaultyHttp } from '../../testing/faulty-http.ts'
import { type FakeApi, newApi } from './provider.ts'
import { statusOf } from './provider-status.ts'

/** A Kubernetes API in this process, behind a server that can fail, and a kubeconfig for it. */
export interface FakeKubernetes extends FaultyHttp {
  readonly api: FakeApi
  /** Path of a kubeconfig with its token. */
  readonly kubeconfig: string
  /** From now on no container has a shell. */
  shellless: boolean
}

/** Starts one; its only namespace is `atlas`, and it has nothing in it. */
export async function startFakeKubernetes(): Promise<FakeKubernetes> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-fake-kubernetes-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const api = newApi(generate(ALNUM, 32))
  const { WebSocketServer } = await import('ws')
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v5.channel.k8s.io' })
  const fake = { shellless: false }

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    api.seen.push(`UPGRADE ${request.url ?? ''}`)
    const url = new URL(request.url ?? '/', 'http://kubernetes')
    const pod = url.pathname.split('/').at(-2) ?? ''
    if (api.trouble === 'slow') return
    if (api.trouble !== undefined) return void socket.destroy()
    const { authorization } = request.headers
    const second = api.refusal(authorization, 'create', 'pods/exec', pod)
    // Of the second right the server says no more.
    const refusal = api.refusal(authorization, 'get', 'pods/exec', pod) ?? (second === undefined ? undefined : { ...second, message: `pods "${pod}" is forbidden: ` })
    if (refusal !== undefined) {
      const { status, body = '' } = statusOf(refusal)
      const text = String(body)
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`)
      return
    }
    sockets.handleUpgrade(request, socket, head, (opened) => runIn(opened, pod, url.searchParams.getAll('command')))
  }

  /** What the script of outside/environ.ts prints there, and how it ends. */
  function runIn(socket: WebSocket, pod: string, [, , , , nonce = '', ...keys]: readonly string[]): void {
    const say = (stream: number, text: string): void => socket.send(Buffer.concat([Buffer.from([stream]), Buffer.from(text)]))
    const environment = api.controllers.environments.get(api.get('pods', pod)?.metadata.uid ?? '') ?? {}
    if (fake.shellless) {
      say(3, JSON.stringify({ metadata: {}, status: 'Failure', message: 'error executing command in container: exec: "sh": executable file not found in $PATH', reason: 'InternalError', code: 500 }))
    } else {
      const lines = keys.map((key) => {
        const value = environment[key]
        return value === undefined ? 'none\n' : `${createHash('sha256').update(`${nonce}${value}\n`).digest('hex')}  -\n`
      })
      say(1, lines.join(''))
      say(3, JSON.stringify({ metadata: {}, status: 'Success' }))
    }
    socket.close(1000)
  }

  const isEffect = (asked: { readonly method: string; readonly url: string }): boolean => asked.method !== 'GET' && !asked.url.endsWith('reviews') && !asked.url.includes('reviews?')
  const server = await startFaultyHttp({ answer: api.answer, isEffect, upgrade, serverError: statusOf({ code: 500, reason: 'InternalError', message: 'etcdserver: request timed out' }) })
  writeFileSync(kubeconfig, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server: server.url } }],
    users: [{ name: 'fake', user: { token: api.token } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake', namespace: 'atlas' } }],
  }), { mode: 0o600 })
  return Object.assign(fake, server, {
    api, kubeconfig,
    close: async () => {
      for (const client of sockets.clients) client.terminate()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}
