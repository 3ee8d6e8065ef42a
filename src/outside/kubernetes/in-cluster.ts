import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import type { Connection } from './connection.ts'

/** Where the kubelet puts them (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/). */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The token of a file, as it is now; `refused` REFERENCE_UNRESOLVED when it cannot be read. The kubelet and others renew it there. */
export function tokenIn(file: string, host: Pick<Host, 'conceal'>): Answer<Secret> {
  try {
    const token = new Secret(readFileSync(file, 'utf8').trim())
    host.conceal(token)
    return done(token)
  } catch (thrown) {
    const { name, code = name } = reduceCause(thrown)
    return refused('REFERENCE_UNRESOLVED', `the token in ${file}`, { cause: code })
  }
}

/** Where the API server is for pods, by the environment of each. */
export function serviceUrl(env: Readonly<Record<string, string | undefined>>): string {
  const [address = '', port = '443'] = [env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT']]
  return `https://${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** As the service account of the pod that this process runs in. */
export function inCluster(where: { readonly env: Readonly<Record<string, string | undefined>>; readonly serviceAccount: string }, host: Pick<Host, 'conceal'>): Answer<Connection> {
  const [ca, namespace, token] = ['ca.crt', 'namespace', 'token'].map((file) => join(where.serviceAccount, file)) as [string, string, string]
  const first = tokenIn(token, host)
  if (first.is !== 'done') return first
  return done({
    server: serviceUrl(where.env),
    tls: existsSync(ca) ? { ca: readFileSync(ca, 'utf8') } : {},
    // It lives for an hour and is renewed in its file.
    token: () => tokenIn(token, host),
    namespace: existsSync(namespace) ? readFileSync(namespace, 'utf8').trim() : 'default',
  })
}
