import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { runChild } from '../process/index.ts'

/** The login command of a kubeconfig (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins). */
export const pluginSchema = z.looseObject({
  apiVersion: z.string().default('client.authentication.k8s.io/v1'),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
  interactiveMode: z.string().nullish(),
})

export type Plugin = z.infer<typeof pluginSchema>

/** What a login command said; either a token or a certificate with its key. */
export interface Shown {
  readonly token?: Secret
  readonly certificate?: string
  readonly key?: Secret
}

const credentialSchema = z.looseObject({
  kind: z.literal('ExecCredential'),
  status: z.looseObject({ token: z.string().optional(), clientCertificateData: z.string().optional(), clientKeyData: z.string().optional() }),
})

/** What of the cluster a login command may be told. */
export interface Told {
  readonly server: string
  readonly 'tls-server-name'?: string | undefined
  readonly 'insecure-skip-tls-verify'?: boolean | null | undefined
  readonly 'certificate-authority-data'?: string | undefined
}

/**
 * Runs the login command, in the folder of its kubeconfig and without a terminal. Its environment is the allow-list of every command,
 * `env` of the kubeconfig, and `add`. What it says is not kept, and never passed on. `refused` COMMAND_MISSING, COMMAND_FAILED (it
 * changes nothing, so that failing is certain), RESPONSE_UNFIT when it said no credential.
 */
export async function askPlugin(plugin: Plugin, folder: string, add: Readonly<Record<string, Secret>>, cluster: Told, host: Pick<Host, 'conceal'>, call: Call): Promise<Answer<Shown>> {
  if (plugin.interactiveMode === 'Always') return refused('MANIFEST_INVALID', 'the login command of the kubeconfig wants a terminal (`interactiveMode: Always`)')
  const info = { apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec: { interactive: false, ...(plugin.provideClusterInfo === true ? { cluster: told(cluster) } : {}) } }
  const env = {
    ...Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, new Secret(value)])),
    ...add,
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  }
  const ran = await runChild({ argv: [plugin.command, ...(plugin.args ?? [])], cwd: folder, env }, call)
  if (ran.is !== 'done') return ran.is === 'unknown' ? refused(ran.code, ran.about, ran.evidence) : ran
  const { exit, stdout, complete } = ran.value
  if (exit !== 0) return refused('COMMAND_FAILED', 'the login command of the kubeconfig', { exit })
  const said = complete ? credentialSchema.safeParse(parsed(stdout)) : undefined
  if (said?.success !== true) return refused('RESPONSE_UNFIT', 'the login command of the kubeconfig says no ExecCredential')
  const { token, clientCertificateData: certificate, clientKeyData } = said.data.status
  const [shown, key] = [token, clientKeyData].map((each) => (each === undefined ? undefined : new Secret(each)))
  for (const secret of [shown, key]) if (secret !== undefined) host.conceal(secret)
  return done({ ...(shown === undefined ? {} : { token: shown }), ...(certificate === undefined ? {} : { certificate }), ...(key === undefined ? {} : { key }) })
}

function told(cluster: Told): object {
  return {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'],
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] ?? undefined,
    'certificate-authority-data': cluster['certificate-authority-data'],
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
