import { until } from '../../../../demo/until.ts'
import { gitServer, isPush } from '../../../../src/connectors/sealed-secrets/provider-git.ts'
import { sealerOf } from '../../../../src/connectors/sealed-secrets/seal.ts'
import { openStore } from '../../../../src/connectors/sealed-secrets/index.ts'
import { storeSchema } from '../../../../src/connectors/sealed-secrets/manifest.ts'
import { ALNUM, generate } from '../../../../src/kit/generate.ts'
import { Secret } from '../../../../src/kit/secret.ts'
import type { Store } from '../../../../src/kit/store.ts'
import { type FaultyHttp, startFaultyHttp } from '../../../../src/testing/faulty-http.ts'
import { type Clusters, makeClusters } from '../../../fixture/clusters.ts'
import { sealedFile } from '../../../fixture/sealed-file.ts'
import { type ControlPlane, startControlPlane } from '../../kubernetes/rig/control-plane.ts'
import { type Controller, startController } from './controller.ts'
import { startFlux } from './flux.ts'
import { schemas } from './parts.ts'

/** A cluster that follows a repository: its API server, the controller, Flux, git over HTTP. */
export interface World {
  readonly plane: ControlPlane
  readonly controller: Controller
  readonly clusters: Clusters
  /** The git server; faults meet pushes. */
  readonly git: FaultyHttp
  /** A SealedSecret of its own in the repository, which the cluster has made a Secret of. */
  shelf(values: Readonly<Record<string, string>>): Promise<Shelf>
  /** A value of a live Secret, `''` when it is not there. */
  live(name: string, key: string): Promise<string>
  /** Has Flux look at the repository now. */
  hurry(): Promise<void>
  close(): Promise<void>
}

export interface Shelf {
  readonly name: string
  readonly file: string
  open(more?: object): Store
  /** The store's block of a manifest, without `bind`. */
  readonly block: Readonly<Record<string, unknown>>
}

const NAMESPACE = 'atlas'

/** Starts one. */
export async function startWorld(): Promise<World> {
  const plane = await startControlPlane()
  const stops = [plane.close]
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).toReversed()) await stop()
  }
  try {
    for (const part of schemas) await plane.kubectl(['create', '-f', await part.bring()])
    for (const name of ['flux-system', NAMESPACE]) await plane.kubectl(['create', 'namespace', name])
    const clusters = makeClusters({ 'README.md': 'ours\n', 'apps/settings.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: ${NAMESPACE}}\n` })
    stops.push(async () => clusters.close())
    const git = await startFaultyHttp({ answer: gitServer(clusters.root), isEffect: isPush })
    stops.push(git.close)
    const [controller, flux] = [await startController(plane), await startFlux(plane)]
    stops.push(controller.close, flux.close)
    await plane.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: followers(`${git.url}/clusters.git`) }))
    const live = async (name: string, key: string): Promise<string> => {
      const found = await plane.kubectl(['get', 'secret', name, '--namespace', NAMESPACE, '--ignore-not-found', '-o', `jsonpath={.data.${key}}`])
      return Buffer.from(found, 'base64').toString()
    }
    const hurry = async (): Promise<void> => {
      await plane.kubectl(['annotate', 'gitrepository/clusters', '--namespace', 'flux-system', '--overwrite', `reconcile.fluxcd.io/requestedAt=${Date.now()}`])
    }
    return {
      plane, controller, clusters, git, live, hurry, close,
      async shelf(values) {
        const name = `db-${generate('abcdefghijklmnopqrstuvwxyz', 8)}`
        const file = `apps/${name}.sealed.yaml`
        const seal = sealerFor(controller.certificate)
        clusters.commit({ [file]: sealedFile({ namespace: NAMESPACE, name, values, seal: (value) => seal(value, `${NAMESPACE}/${name}`) }) })
        await hurry()
        const [[key, value] = ['', '']] = Object.entries(values)
        await until(`the cluster has ${name}`, 30_000, async () => {
          flux.alive()
          return (await live(name, key)) === value ? true : undefined
        })
        const block = {
          git: { remote: `${git.url}/clusters.git`, file }, namespace: NAMESPACE, name, controller: controller.url,
          flux: { kustomization: 'apps' }, kubeconfig: plane.kubeconfig,
        }
        const host = { base: plane.folder, now: Date.now, conceal: () => undefined, resolve: async (text: string) => new Secret(text) }
        return { name, file, block, open: (more = {}) => openStore(storeSchema.parse({ ...block, ...more }), host) }
      },
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** What Flux is told: the repository, and what of it is applied. */
function followers(url: string): readonly object[] {
  const place = { namespace: 'flux-system' }
  return [
    { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository', metadata: { ...place, name: 'clusters' }, spec: { url, ref: { branch: 'main' }, interval: '10m', timeout: '20s' } },
    {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization', metadata: { ...place, name: 'apps' },
      spec: { sourceRef: { kind: 'GitRepository', name: 'clusters' }, path: './apps', interval: '1m', retryInterval: '5s', timeout: '20s', prune: true },
    },
  ]
}

function sealerFor(certificate: string): (value: Secret, scope: string) => string {
  const sealer = sealerOf(certificate, 'the certificate')
  if (sealer.is !== 'done') throw new Error(sealer.is)
  return sealer.value.seal
}

/** A new random value. */
export function randomValue(): string {
  return generate(ALNUM, 24)
}
