import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../../../src/kit/call.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { request } from '../../../src/outside/http/index.ts'
import { type FaultyHttp, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import type { ControlPlane } from './rig/control-plane.ts'

/** What a connector is opened with; there are no references in these tests. */
export function hostOf(base: string): Host {
  return { base, now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
}

/** What stands before a real API server and can fail, and a kubeconfig that leads there, with the admin's token. */
export interface Before extends FaultyHttp {
  readonly kubeconfig: string
}

export async function startBefore(plane: ControlPlane): Promise<Before> {
  const front = await startFaultyHttp({
    isEffect: ({ method, url }) => method !== 'GET' && !url.includes('selfsubjectaccessreviews'),
    answer: async ({ method, url, headers, body }) => {
      const { connection: _, host: __, 'content-length': ___, ...kept } = headers
      const passed = Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, String(value)]))
      const answer = await request({ method: method as 'GET', url: `${plane.url}${url}`, headers: passed, tls: { ca: plane.ca }, ...(body.length === 0 ? {} : { body }) }, { signal: AbortSignal.timeout(20_000) })
      if (answer.is !== 'done') throw new Error(answer.is === 'ask' ? 'ask' : answer.code)
      return { status: answer.value.status, headers: { 'content-type': 'application/json' }, body: answer.value.text }
    },
  })
  return { ...front, kubeconfig: written(plane, front.url) }
}

/** A kubeconfig for the server itself that does not name the authority of its certificate. */
export function withoutAuthority(plane: ControlPlane): string {
  return written(plane, plane.url)
}

function written({ folder, adminToken }: ControlPlane, server: string): string {
  const file = join(folder, `kubeconfig-${generate(ALNUM, 8)}`)
  writeFileSync(file, JSON.stringify({
    'current-context': 'test', contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server } }], users: [{ name: 'test', user: { token: adminToken } }],
  }), { mode: 0o600 })
  return file
}
