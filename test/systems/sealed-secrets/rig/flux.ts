import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../../demo/until.ts'
import { freePort } from '../../../../src/testing/port.ts'
import type { ControlPlane } from '../../kubernetes/rig/control-plane.ts'
import { type Running, startProcess } from '../../kubernetes/rig/process.ts'
import { kustomizeController, sourceController } from './parts.ts'

/** Starts both controllers of Flux for a cluster, beside it. `close` ends them; `alive` throws when one of them has ended. */
export async function startFlux(plane: ControlPlane): Promise<{ close(): Promise<void>; alive(): void }> {
  const [source, kustomize] = [await sourceController.bring(), await kustomizeController.bring()]
  const storage = join(plane.folder, 'flux')
  mkdirSync(storage)
  const [files, ...ports] = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()]
  const env = { PATH: process.env['PATH'], HOME: storage, TMPDIR: storage, KUBECONFIG: plane.kubeconfig, RUNTIME_NAMESPACE: 'flux-system', GOMAXPROCS: '1' }
  const started: Running[] = []
  const start = (program: string, ...args: readonly string[]): void => {
    started.push(startProcess(program, ['--enable-leader-election=false', '--log-level', 'error', ...args], { cwd: storage, env }))
  }
  const close = async (): Promise<void> => {
    for (const run of started.splice(0)) await run.end()
  }
  start(join(source, 'source-controller'), '--storage-path', storage, '--storage-addr', `127.0.0.1:${files}`, '--storage-adv-addr', `127.0.0.1:${files}`,
    '--metrics-addr', `127.0.0.1:${ports[0]}`, '--health-addr', `127.0.0.1:${ports[1]}`)
  start(join(kustomize, 'kustomize-controller'), '--metrics-addr', `127.0.0.1:${ports[2]}`, '--health-addr', `127.0.0.1:${ports[3]}`)
  try {
    for (const health of [ports[1], ports[3]]) {
      await until('a controller of Flux is ready', 60_000, async () => {
        for (const run of started) run.alive()
        return (await fetch(`http://127.0.0.1:${health}/readyz`).then(({ ok }) => ok, () => false)) ? true : undefined
      })
    }
    // It serves what it has fetched a moment after it says that it is ready.
    await until('what Flux has fetched is served', 60_000, async () => {
      for (const run of started) run.alive()
      return (await fetch(`http://127.0.0.1:${files}/`).then(() => true, () => false)) ? true : undefined
    })
    return { close, alive: () => { for (const run of started) run.alive() } }
  } catch (thrown) {
    await close()
    throw thrown
  }
}
