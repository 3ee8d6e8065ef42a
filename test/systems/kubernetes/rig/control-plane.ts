import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { until } from '../../../../demo/until.ts'
import { ALNUM, generate } from '../../../../src/kit/generate.ts'
import { type Certified, certify } from '../../../fixture/certificates.ts'
import { runProgram } from '../../parts/program.ts'
import { etcdProgram, kubernetesPrograms } from './parts.ts'
import { type Running, startProcess } from './process.ts'
import { freePort } from '../../../../src/testing/port.ts'

/** A Kubernetes without nodes: etcd and an API server with RBAC, on free ports of 127.0.0.1, in a folder of its own. */
export interface ControlPlane {
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  /** The certificate of the authority that signed the server's, as PEM. */
  readonly ca: string
  /** A bearer token that may do everything (system:masters). */
  readonly adminToken: string
  /** Path of a kubeconfig with the admin token, mode 0600. */
  readonly kubeconfig: string
  /** As it says it: `Kubernetes 1.36.3`. */
  readonly says: string
  /** Of everything it keeps; gone after `close`. */
  readonly folder: string
  /** Signs certificates that its programs trust. */
  readonly authority: Certified
  /** Runs kubectl as admin, `input` on its stdin; answers what it printed. Throws with what it said when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /**
   * One request as admin, with a body as JSON (a PATCH is a merge patch); answers the document, or the text where it is none. Undefined for 404, throws for other
   * refusals and when nobody answers.
   */
  api<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T | undefined>
  /** A token of an hour for a service account that exists; in the namespace `default` when absent. */
  tokenOf(serviceAccount: string, namespace?: string): Promise<string>
  /** A kubeconfig with this token, in the folder, mode 0600, for the server or for what stands before it; answers its path. */
  kubeconfigFor(token: string, server?: string): string
  /** Stops the API server as a machine in trouble does (SIGSTOP), or lets it go on. */
  signal(which: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends everything at once and removes the folder. May be repeated. */
  close(): Promise<void>
}

export interface ControlPlaneOptions {
  /** Also the controllers: rollouts, service accounts, endpoint slices, garbage collection. Not when absent. */
  readonly controllers?: boolean
}

/** Starts one. Throws what the program said last that did not come up; nothing is left then. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const [etcd, programs] = [await etcdProgram.bring(), await kubernetesPrograms.bring()]
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-kubernetes-'))
  const at = (name: string): string => join(folder, name)
  const started: Running[] = []
  const start = (program: string, ...args: readonly string[]): Running => {
    const run = startProcess(program, args, { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } })
    started.push(run)
    return run
  }
  const close = async (): Promise<void> => {
    for (const run of started.splice(0).toReversed()) await run.end()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()]
    const [url, adminToken, authority] = [`https://127.0.0.1:${port}`, generate(ALNUM, 32), certify({ commonName: 'keyturn-test' })]
    writeFiles(folder, adminToken, authority)
    const kubeconfigFor = kubeconfigs(folder, url, authority)
    const kubeconfig = kubeconfigFor(adminToken)

    const store = start(etcd, '--data-dir', at('etcd'), '--unsafe-no-fsync', '--log-level', 'error',
      '--listen-client-urls', `http://127.0.0.1:${client}`, '--advertise-client-urls', `http://127.0.0.1:${client}`,
      '--listen-peer-urls', `http://127.0.0.1:${peer}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`, '--initial-cluster', `default=http://127.0.0.1:${peer}`)
    const api = start(join(programs, 'kube-apiserver'), '--etcd-servers', `http://127.0.0.1:${client}`, '--bind-address', '127.0.0.1', '--secure-port', String(port),
      '--tls-cert-file', at('server.crt'), '--tls-private-key-file', at('server.key'), '--cert-dir', at('certificates'), '--token-auth-file', at('tokens.csv'),
      '--authorization-mode', 'RBAC', '--anonymous-auth=false', '--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-key-file', at('accounts.key'),
      '--service-account-signing-key-file', at('accounts.key'), '--service-cluster-ip-range', '10.0.0.0/24', '--endpoint-reconciler-type', 'none', '--advertise-address', '127.0.0.1',
      '--kubelet-client-certificate', at('client.crt'), '--kubelet-client-key', at('client.key'), '--kubelet-preferred-address-types', 'InternalIP')
    const ask = asker(url, authority.cert, adminToken)
    const there = (path: string): Promise<true | undefined> => ask('GET', path).then((found) => (found === undefined ? undefined : true), () => undefined)
    await until('the API server is ready', 60_000, () => {
      store.alive()
      api.alive()
      return there('/readyz')
    })
    if (options.controllers === true) {
      start(join(programs, 'kube-controller-manager'), '--kubeconfig', kubeconfig, '--leader-elect=false', '--bind-address', '127.0.0.1', '--secure-port', '0',
        '--cert-dir', at('certificates'), '--service-account-private-key-file', at('accounts.key'), '--root-ca-file', at('ca.crt'))
    }
    const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
      const { code, out, err } = await runProgram(join(programs, 'kubectl'), args, { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig }, ...(input === undefined ? {} : { input }) })
      if (code !== 0) throw new Error(`kubectl ${args.slice(0, 2).join(' ')}: ${err}`)
      return out
    }
    if (options.controllers === true) {
      await until('the default service account is there', 30_000, () => there('/api/v1/namespaces/default/serviceaccounts/default'))
    }
    const { gitVersion = 'v' } = (await ask<{ readonly gitVersion: string }>('GET', '/version')) ?? {}
    return {
      url, ca: authority.cert, adminToken, kubeconfig, says: `Kubernetes ${gitVersion.slice(1)}`, folder, authority, kubectl, api: ask, kubeconfigFor, close,
      tokenOf: async (serviceAccount, namespace = 'default') => (await kubectl(['create', 'token', serviceAccount, '--namespace', namespace])).trim(),
      signal: (which) => api.signal(which),
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

function writeFiles(folder: string, adminToken: string, authority: Certified): void {
  const server = certify({ commonName: 'kube-apiserver', names: ['127.0.0.1', 'localhost', 'kubernetes.default.svc'], by: authority })
  const client = certify({ commonName: 'kube-apiserver-kubelet-client', names: ['kube-apiserver'], by: authority })
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  const files = {
    'tokens.csv': `${adminToken},admin,admin,system:masters\n`, 'accounts.key': accounts, 'ca.crt': authority.cert,
    'server.crt': server.cert, 'server.key': server.key, 'client.crt': client.cert, 'client.key': client.key,
  }
  mkdirSync(join(folder, 'certificates'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 })
}

function kubeconfigs(folder: string, url: string, { cert }: Certified): ControlPlane['kubeconfigFor'] {
  return (token, server = url) => {
    const file = join(folder, `kubeconfig-${generate(ALNUM, 8)}`)
    writeFileSync(file, stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(cert).toString('base64') } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
    }), { mode: 0o600 })
    return file
  }
}

function asker(url: string, ca: string, token: string): ControlPlane['api'] {
  return async <T>(method: string, path: string, body?: object) => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      request(`${url}${path}`, { method, ca, agent: false, headers: { authorization: `Bearer ${token}`, 'content-type': type } }, resolve)
        .on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
    })
    const { statusCode = 0 } = response
    const said = await text(response)
    if (statusCode === 404) return undefined
    if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${said}`)
    return (response.headers['content-type'] === 'application/json' ? JSON.parse(said) : said) as T
  }
}

