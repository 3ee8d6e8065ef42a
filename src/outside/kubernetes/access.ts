import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { environmentSchema, resolveEnvironment } from '../process/argv.ts'
import { connectionOf } from './chosen.ts'
import { type Cluster, openCluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { inCluster, SERVICE_ACCOUNT, serviceUrl } from './in-cluster.ts'
import { type Chosen, readKubeconfig } from './kubeconfig.ts'
import { askPlugin } from './plugin.ts'
import { serverName } from './resource.ts'

/** What every configuration of a cluster has, to be spread into its schema. */
export const accessShape = {
  kubeconfig: z.string().min(1).optional().describe('A kubeconfig file, relative to the manifest. When absent: those of KUBECONFIG, else `~/.kube/config`, else the service account of the pod that keyturn runs in.'),
  context: z.string().min(1).optional().describe('A context of the kubeconfig; its current one when absent.'),
  env: environmentSchema.describe('Variables for the login command of the kubeconfig (`exec`), which gets PATH, HOME, LANG, LC_*, TZ, USER and TMPDIR beside them; values may hold references.'),
}

export interface Access {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** What is looked at to find the cluster; passed in by tests alone. */
export interface Where {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** The folder of a pod's service account. */
  readonly serviceAccount: string
}

const here = (): Where => ({ env: process.env, home: homedir(), serviceAccount: SERVICE_ACCOUNT })

type Opening = Host

/**
 * Opens the cluster for one piece of work: files are read and a login command is run now, nothing is sent to the server. `refused`:
 * REFERENCE_UNRESOLVED when there is no kubeconfig or no such context in it, MANIFEST_INVALID for what keyturn does not do (a proxy),
 * COMMAND_MISSING and COMMAND_FAILED of the login command. Never throws.
 */
export async function accessCluster(access: Access, host: Opening, call: Call, where: Where = here()): Promise<Answer<Cluster>> {
  const connection = await connect(access, host, call, where)
  return connection.is === 'done' ? done(openCluster(connection.value)) : connection
}

/** As {@link accessCluster}, and runs `work` with it. */
export async function withCluster<T>(access: Access, host: Opening, call: Call, work: (cluster: Cluster) => Promise<Answer<T>>): Promise<Answer<T>> {
  if (call.signal.aborted) return refused('DEADLINE')
  const cluster = await accessCluster(access, host, call)
  return cluster.is === 'done' ? work(cluster.value) : cluster
}

async function connect(access: Access, host: Opening, call: Call, where: Where): Promise<Answer<Connection>> {
  const found = find(access, host.base, where)
  if (found.is !== 'done') return found
  if (found.value === 'in-cluster') return inCluster(where, host)
  const { user, cluster } = found.value
  if (user.exec == null) return connectionOf(found.value, host)
  try {
    const env = await resolveEnvironment(access.env, host, call)
    const shown = await askPlugin(user.exec, user.folder, env, cluster, host, call)
    return shown.is === 'done' ? connectionOf(found.value, host, shown.value) : shown
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

function find({ kubeconfig, context }: Access, base: string, where: Where): Answer<Chosen | 'in-cluster'> {
  if (kubeconfig !== undefined) return readKubeconfig([resolve(base, kubeconfig)], context)
  const named = (where.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '' && existsSync(file))
  const own = join(where.home, '.kube', 'config')
  if (named.length > 0) return readKubeconfig(named, context)
  if (existsSync(own)) return readKubeconfig([own], context)
  if (where.env['KUBERNETES_SERVICE_HOST'] !== undefined && context === undefined) return done('in-cluster')
  return refused('REFERENCE_UNRESOLVED', 'no kubeconfig: name one with `kubeconfig`, set KUBECONFIG, or run in a pod with a service account')
}

/**
 * What the cluster is called in locks: host and port of its API server, so that two contexts for one server are one cluster. Where
 * the kubeconfig cannot be read here, its path and the context. Reads files, asks nobody, never throws.
 */
export function clusterName(access: Access, base: string, where: Where = here()): string {
  const found = find(access, base, where)
  if (found.is !== 'done') return `${access.kubeconfig ?? 'kubeconfig'}#${access.context ?? ''}`
  return serverName(found.value === 'in-cluster' ? serviceUrl(where.env) : found.value.cluster.server)
}
