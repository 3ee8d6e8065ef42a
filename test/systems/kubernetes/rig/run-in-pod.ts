import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { until } from '../../../../demo/until.ts'
import { ALNUM, generate } from '../../../../src/kit/generate.ts'
import type { Cluster } from './cluster.ts'
import { IMAGE } from './image.ts'
import type { Pod } from './workload.ts'

export interface RunInPod {
  readonly namespace: string
  readonly serviceAccount: string
  /** Of the folder that it runs in, as a document. */
  readonly manifest: object
  readonly args: readonly string[]
}

const checkout = resolve(import.meta.dirname, '../../../..')

/**
 * Runs the command line in a pod to its end, with what the cluster gives to a pod and nothing else: no kubeconfig, the token of its
 * service account; the image has no /etc/passwd. Where there is no kube-proxy the API server has no address for pods; the pod has the network of this machine, and
 * is told the server's own. Answers whether the code was 0, and what it printed.
 */
export async function runInPod(cluster: Cluster, { namespace, serviceAccount, manifest, args }: RunInPod): Promise<{ readonly ok: boolean; readonly said: string }> {
  const folder = join(cluster.folder, 'runs', generate(ALNUM, 8))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'keyturn.yaml'), JSON.stringify(manifest), { mode: 0o600 })
  const path = `/api/v1/namespaces/${namespace}/pods`
  const mounts = { node: process.execPath, checkout, run: folder }
  const at: Readonly<Record<keyof typeof mounts, string>> = { node: '/node', checkout, run: '/run/keyturn' }
  await cluster.api('POST', path, {
    metadata: { name: 'keyturn' },
    spec: {
      serviceAccountName: serviceAccount, hostNetwork: true, dnsPolicy: 'Default', restartPolicy: 'Never', terminationGracePeriodSeconds: 1,
      volumes: Object.entries(mounts).map(([name, source]) => ({ name, hostPath: { path: source } })),
      containers: [{
        name: 'keyturn', image: IMAGE, imagePullPolicy: 'Never', workingDir: at.run, command: [at.node, join(checkout, 'bin/keyturn.js'), ...args],
        env: Object.entries({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: new URL(cluster.url).port, KEYTURN_IDENTITY: `${at.run}/identity`, HOME: at.run }).map(([name, value]) => ({ name, value })),
        volumeMounts: Object.entries(at).map(([name, mountPath]) => ({ name, mountPath, readOnly: name !== 'run' })),
      }],
    },
  })
  const phase = await until('the run in a pod ends', 90_000, async () => {
    const pod = await cluster.api<Pod>('GET', `${path}/keyturn`)
    return ['Succeeded', 'Failed'].find((each) => each === pod?.status.phase)
  })
  return { ok: phase === 'Succeeded', said: await cluster.kubectl(['logs', 'keyturn', '--namespace', namespace]) }
}
