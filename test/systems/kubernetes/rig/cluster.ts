import { randomInt } from 'node:crypto'
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { until } from '../../../../demo/until.ts'
import { generate } from '../../../../src/kit/generate.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { buildImage, IMAGE } from './image.ts'
import { containerdProgram, kubernetesPrograms, networkPlugins } from './parts.ts'
import { startProcess } from './process.ts'

/** A Kubernetes whose pods really run, on one node that is this machine. */
export interface Cluster extends ControlPlane {
  /** What this machine has in the network of the pods: they reach it there, and it reaches them. */
  readonly address: string
  /** The processes of a pod, as this machine numbers them, by its uid. */
  pidsOf(uid: string): readonly number[]
}

/** The name of the node. */
const NODE = 'n1'

/**
 * Starts one: a control plane with its controllers, a scheduler, and the node. Pods have addresses in a network of their own on this
 * machine and no other way out; Services have no addresses (no kube-proxy) and names do not resolve. Needs root. `close` ends the
 * containers too, and takes away mounts, bridge and control groups; so does the end of this process, whichever it is.
 */
export async function startCluster(): Promise<Cluster> {
  const [programs, containerd, plugins] = [await kubernetesPrograms.bring(), await containerdProgram.bring(), await networkPlugins.bring()]
  const plane = await startControlPlane({ controllers: true })
  const folder = join(plane.folder, 'node')
  const [name, net] = [`kt${generate('abcdefghijklmnopqrstuvwxyz', 8)}`, `10.${randomInt(128, 255)}.${randomInt(0, 255)}`]
  const address = `${net}.1`
  const groups = controlGroups().map((mount) => join(mount, name))
  const env = { PATH: process.env['PATH'], HOME: plane.folder }
  const scheduler = startProcess(join(programs, 'kube-scheduler'), ['--kubeconfig', plane.kubeconfig, '--leader-elect=false', '--bind-address', '127.0.0.1', '--secure-port', '0', '--cert-dir', join(plane.folder, 'certificates')], { cwd: plane.folder, env })
  const stops = [plane.close, scheduler.end]
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).toReversed()) await stop()
  }
  try {
    mkdirSync(join(folder, 'networks'), { recursive: true })
    await buildImage(folder)
    copyFileSync(plane.kubeconfig, join(folder, 'kubeconfig'))
    writeFileSync(join(folder, 'ca.crt'), plane.ca)
    writeFileSync(join(folder, 'containerd.toml'), containerdConfig(folder, plugins))
    writeFileSync(join(folder, 'networks/pods.conflist'), JSON.stringify(networkConfig(folder, name, net)))
    writeFileSync(join(folder, 'kubelet.yaml'), stringify(kubeletConfig(folder, name, address)))
    const node = startProcess('sh', [fileURLToPath(new URL('node.sh', import.meta.url))], {
      cwd: folder, endsWithInput: true,
      env: {
        ...env, NODE, FOLDER: folder, BRIDGE: name, ADDRESS: address, CGROUPS: groups.join(' '),
        CONTAINERD: containerd, KUBELET: join(programs, 'kubelet'),
      },
    })
    stops.push(node.end)
    await until('the node is ready', 60_000, async () => {
      node.alive()
      scheduler.alive()
      const found = await plane.api<{ readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } }>('GET', `/api/v1/nodes/${NODE}`)
      return found?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true ? true : undefined
    }).catch((thrown: unknown) => {
      throw new Error(`${['ctr', 'containerd', 'kubelet'].map((log) => lastOf(join(folder, `${log}.log`))).join('\n')}`, { cause: thrown })
    })
    return {
      ...plane, address, close,
      pidsOf: (uid) => [...new Set(groups.flatMap((group) => globSync(`${group}/**/pod${uid}/*/cgroup.procs`)).flatMap(processesIn))],
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** None of a container that has ended meanwhile: its control group is gone. */
function processesIn(file: string): readonly number[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter((pid) => pid !== '').map(Number)
  } catch {
    return []
  }
}

function lastOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-2_000)
  } catch (thrown) {
    return String(thrown)
  }
}

/** Where the hierarchies of control groups are mounted: several in version 1, one in version 2. */
function controlGroups(): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).filter(([, , type]) => type === 'cgroup' || type === 'cgroup2').map(([, mount = '']) => mount)
}

function containerdConfig(folder: string, plugins: string): string {
  const cri = '[plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = "${folder}/containerd"
state = "${folder}/state"
[grpc]
  address = "${folder}/containerd.sock"
${cri}]
  sandbox_image = "${IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
${cri}.cni]
  bin_dir = "${plugins}"
  conf_dir = "${folder}/networks"
${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
`
}

function networkConfig(folder: string, bridge: string, net: string): object {
  return {
    cniVersion: '1.0.0', name: bridge,
    plugins: [{
      // The bridge is there with its address already, so nothing of this machine has to be switched to forward packets.
      type: 'bridge', bridge, isGateway: false, ipMasq: false,
      ipam: { type: 'host-local', dataDir: join(folder, 'addresses'), ranges: [[{ subnet: `${net}.0/24`, gateway: `${net}.1` }]], routes: [{ dst: '0.0.0.0/0' }] },
    }],
  }
}

function kubeletConfig(folder: string, cgroup: string, address: string): object {
  const none = Object.fromEntries(['nodefs.available', 'imagefs.available', 'nodefs.inodesFree', 'imagefs.inodesFree'].map((what) => [what, '0%']))
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration',
    address, readOnlyPort: 0, healthzPort: 0, containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: false }, x509: { clientCAFile: join(folder, 'ca.crt') } },
    authorization: { mode: 'AlwaysAllow' },
    // The machines of tests may have the older control groups, swap, and little room.
    failCgroupV1: false, failSwapOn: false, cgroupDriver: 'cgroupfs', cgroupRoot: `/${cgroup}`, localStorageCapacityIsolation: false,
    imageGCHighThresholdPercent: 100, evictionHard: { 'memory.available': '1Mi', ...none },
    makeIPTablesUtilChains: false, clusterDNS: [], resolvConf: '', syncFrequency: '1s', nodeStatusUpdateFrequency: '1s',
    podLogsDir: join(folder, 'logs'), volumePluginDir: join(folder, 'volume-plugins'),
  }
}
