import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../../demo/until.ts'
import { freePort } from '../../../../src/testing/port.ts'
import type { ControlPlane } from '../../kubernetes/rig/control-plane.ts'
import { startProcess } from '../../kubernetes/rig/process.ts'
import { sealedSecretsPrograms } from './parts.ts'

/** The controller of Sealed Secrets, running for a cluster. */
export interface Controller {
  /** Its own address: certificate and verification. */
  readonly url: string
  readonly certificate: string
  /** As it says it: `Sealed Secrets 0.30.0`. */
  readonly says: string
  close(): Promise<void>
}

/**
 * It knows no other way to the cluster than the service account of a pod, at a fixed path: so it runs in a mount namespace of its own
 * that has the files there. Needs root.
 */
export async function startController(plane: ControlPlane): Promise<Controller> {
  const folder = join(plane.folder, `controller-${randomBytes(4).toString('hex')}`)
  mkdirSync(folder)
  for (const [name, text] of [['token', plane.adminToken], ['ca.crt', plane.ca], ['namespace', 'kube-system']] as const) writeFileSync(join(folder, name), text, { mode: 0o600 })
  const [port, metrics, programs] = [await freePort(), await freePort(), await sealedSecretsPrograms.bring()]
  const script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io && ln -s "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"'
  const running = startProcess('unshare', ['--mount', '--kill-child', '--fork', 'sh', '-c', script, folder, join(programs, 'controller'),
    '--listen-addr', `127.0.0.1:${port}`, '--listen-metrics-addr', `127.0.0.1:${metrics}`, '--key-renew-period', '0', '--key-size', '2048', '--log-level', 'ERROR', '--rate-limit', '1000', '--rate-limit-burst', '1000'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: new URL(plane.url).port, POD_NAMESPACE: 'kube-system', GOMAXPROCS: '1' },
  })
  const url = `http://127.0.0.1:${port}`
  try {
    const certificate = await until('the controller gives its certificate', 60_000, async () => {
      running.alive()
      const text = await fetch(`${url}/v1/cert.pem`).then((answer) => (answer.ok ? answer.text() : ''), () => '')
      return text.includes('BEGIN CERTIFICATE') ? text : undefined
    })
    const told = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    const [, version = 'of no version'] = /build_info\{[^}]*revision="([^"]*)"/.exec(told) ?? []
    return { url, certificate, says: `Sealed Secrets ${version}`, close: running.end }
  } catch (thrown) {
    await running.end()
    throw thrown
  }
}
