import { busybox } from '../../docker/system.ts'
import { debianProgram } from '../../parts/debian.ts'
import { goProgram, goPrograms } from '../../parts/go.ts'
import { Missing, type Part } from '../../parts/part.ts'

/** Debian's 3.4 cannot say how far a watch has come: the API server then waits seconds where this one waits none. */
export const etcdProgram = goProgram({ title: 'etcd 3.6.12', name: 'etcd', package: 'go.etcd.io/etcd/server/v3', version: 'v3.6.12' })

/** The modules that Kubernetes keeps in its own tree: outside of it they have versions of their own. */
const staging = [
  'api', 'apiextensions-apiserver', 'apimachinery', 'apiserver', 'cli-runtime', 'client-go', 'cloud-provider', 'cluster-bootstrap', 'code-generator',
  'component-base', 'component-helpers', 'controller-manager', 'cri-api', 'cri-client', 'cri-streaming', 'csi-translation-lib',
  'dynamic-resource-allocation', 'endpointslice', 'externaljwt', 'kms', 'kube-aggregator', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler',
  'kubectl', 'kubelet', 'metrics', 'mount-utils', 'pod-security-admission', 'sample-apiserver', 'sample-cli-plugin', 'sample-controller', 'streaming',
]

/** All programs of a cluster of one node; `bring` answers their folder. */
export const kubernetesPrograms = goPrograms({
  title: 'Kubernetes 1.36.3', name: 'kubernetes', version: 'v1.36.3',
  packages: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'].map((name) => `k8s.io/kubernetes/cmd/${name}`),
  replace: staging.map((name) => `k8s.io/${name} => k8s.io/${name} v0.36.3`),
  set: Object.fromEntries(Object.entries({ gitVersion: 'v1.36.3', gitMajor: '1', gitMinor: '36' }).map(([name, value]) => [`k8s.io/component-base/version.${name}`, value])),
})

/** What joins pods to a network; `bring` answers their folder. */
export const networkPlugins = goPrograms({
  title: 'CNI plugins 1.9.1', name: 'cni-plugins', version: 'v1.9.1',
  packages: ['main/bridge', 'main/loopback', 'ipam/host-local'].map((name) => `github.com/containernetworking/plugins/plugins/${name}`),
})

const containerd = debianProgram('containerd')

/** Runs the containers; its package brings `ctr` and `runc` too. */
export const containerdProgram: Part = {
  title: containerd.title,
  async bring() {
    if (process.getuid?.() !== 0) throw new Missing('it runs containers for root only')
    return containerd.bring()
  },
}

/** Makes the bridge of the pods. */
export const ipProgram = debianProgram('ip', 'iproute2')

/** What `startControlPlane` needs. */
export const controlPlaneParts = [etcdProgram, kubernetesPrograms]

/** What `startCluster` needs. */
export const clusterParts = [...controlPlaneParts, networkPlugins, containerdProgram, ipProgram, busybox]
