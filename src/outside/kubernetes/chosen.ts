import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import type { Tls } from '../http/index.ts'
import type { Connection } from './connection.ts'
import { tokenIn } from './in-cluster.ts'
import type { Chosen } from './kubeconfig.ts'
import type { Shown } from './plugin.ts'

/**
 * The connection that a kubeconfig describes; `shown` is what its login command said, if it has one. `refused`: REFERENCE_UNRESOLVED
 * names a file that cannot be read, MANIFEST_INVALID what keyturn does not do.
 */
export function connectionOf({ context, namespace = 'default', cluster, user }: Chosen, host: Pick<Host, 'conceal'>, shown: Shown = {}): Answer<Connection> {
  if (cluster['proxy-url'] !== undefined) return refused('MANIFEST_INVALID', `the context ${context} goes through a proxy, which keyturn does not`)
  if (user['auth-provider'] != null) return refused('MANIFEST_INVALID', `the context ${context} logs in with an auth-provider, which Kubernetes took out in 1.26: use the login command (\`exec\`) of your provider`)
  if (user.username !== undefined) return refused('MANIFEST_INVALID', `the context ${context} logs in with user and password, which Kubernetes took out in 1.19: use a token or a certificate`)
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], cluster.folder)
  const cert = shown.certificate === undefined ? pem(user['client-certificate-data'], user['client-certificate'], user.folder) : done(shown.certificate)
  const key = shown.key === undefined ? pem(user['client-key-data'], user['client-key'], user.folder) : done(shown.key.reveal())
  if (ca.is !== 'done') return ca
  if (cert.is !== 'done') return cert
  if (key.is !== 'done') return key
  const secretKey = key.value === undefined ? undefined : new Secret(key.value)
  if (secretKey !== undefined) host.conceal(secretKey)
  const servername = cluster['tls-server-name']
  const tls: Tls = {
    ...(ca.value === undefined ? {} : { ca: ca.value }),
    ...(cert.value === undefined ? {} : { cert: cert.value }),
    ...(secretKey === undefined ? {} : { key: secretKey }),
    ...(servername === undefined ? {} : { servername }),
    ...(cluster['insecure-skip-tls-verify'] === true ? { unverified: true as const } : {}),
  }
  const token = tokenOf(user, host, shown)
  return done({ server: cluster.server.replace(/\/+$/, ''), tls, namespace, ...(token === undefined ? {} : { token }) })
}

/** A file of a token comes before a token beside it, as for kubectl. */
function tokenOf({ token, tokenFile, folder }: Chosen['user'], host: Pick<Host, 'conceal'>, shown: Shown): Connection['token'] {
  if (shown.token !== undefined) return () => (shown.token === undefined ? refused('INTERNAL') : done(shown.token))
  if (tokenFile !== undefined) return () => tokenIn(resolve(folder, tokenFile), host)
  if (token === undefined) return undefined
  const secret = new Secret(token)
  host.conceal(secret)
  return () => done(secret)
}

/** What stands there in base64 comes before a file. */
function pem(data: string | undefined, file: string | undefined, folder: string): Answer<string | undefined> {
  if (data !== undefined) return done(Buffer.from(data, 'base64').toString('utf8'))
  if (file === undefined) return done(undefined)
  try {
    return done(readFileSync(resolve(folder, file), 'utf8'))
  } catch (thrown) {
    const { name, code = name } = reduceCause(thrown)
    return refused('REFERENCE_UNRESOLVED', `${file} of the kubeconfig`, { cause: code })
  }
}
