import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { accessCluster, clusterName, type Where } from './access.ts'
import type { Connection } from './connection.ts'

let folder: string
let concealed: string[]
let where: Where
let host: Host
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-kubeconfig-'))
  concealed = []
  where = { env: {}, home: join(folder, 'home'), serviceAccount: join(folder, 'account') }
  host = { base: folder, now: () => Date.now(), resolve: async (text) => new Secret(text.replace('${env:PROFILE}', 'atlas')), conceal: (secret) => concealed.push(secret.reveal()) }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function write(name: string, { user = {}, cluster = {}, context = 'one' }: { readonly user?: object; readonly cluster?: object; readonly context?: string } = {}): string {
  const file = join(folder, name)
  writeFileSync(file, JSON.stringify({
    'current-context': context,
    clusters: [{ name: context, cluster: { server: `https://${context}.example:6443/`, ...cluster } }],
    users: [{ name: context, user }],
    contexts: [{ name: context, context: { cluster: context, user: context, namespace: 'atlas' } }],
  }))
  return file
}

async function connected(access: Parameters<typeof accessCluster>[0]): Promise<Connection> {
  const answer = await accessCluster(access, host, callWithin(10_000), where)
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value.connection
}

const tokenOf = ({ token }: Connection): string | undefined => {
  const answer: Answer<Secret> | undefined = token?.()
  return answer?.is === 'done' ? answer.value.reveal() : undefined
}

describe('a kubeconfig', () => {
  it('is the one that is named, else those of KUBECONFIG, else the one at home, else the service account', async () => {
    write('named', { context: 'named' })
    mkdirSync(join(folder, 'home', '.kube'), { recursive: true })
    mkdirSync(join(folder, 'account'))
    for (const [file, text] of Object.entries({ token: 'of the pod\n', 'ca.crt': 'PEM', namespace: 'here' })) writeFileSync(join(folder, 'account', file), text)
    where = { ...where, env: { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' } }
    expect(await connected({})).toMatchObject({ server: 'https://10.0.0.1:443', namespace: 'here', tls: { ca: 'PEM' } })
    write('home/.kube/config', { context: 'home' })
    expect((await connected({})).server).toBe('https://home.example:6443')
    where = { ...where, env: { KUBECONFIG: `${write('first', { context: 'first' })}:${join(folder, 'nothing')}:${write('second', { context: 'second' })}` } }
    expect((await connected({})).server).toBe('https://first.example:6443')
    expect((await connected({ context: 'second' })).server).toBe('https://second.example:6443')
    expect((await connected({ kubeconfig: 'named' })).server).toBe('https://named.example:6443')
    expect([clusterName({ kubeconfig: 'named' }, folder, where), clusterName({ kubeconfig: 'gone' }, folder, where)]).toEqual(['named.example:6443', 'gone#'])
  })

  it('may be YAML, and shows a token, a file of one that is read each time, or a certificate', async () => {
    const token = generate(ALNUM, 20)
    writeFileSync(join(folder, 'yaml'), `apiVersion: v1\nkind: Config\ncurrent-context: a@b\nclusters:\n- name: b\n  cluster: {server: "https://b.example"}\nusers:\n- name: a\n  user:\n    token: ${token}\ncontexts:\n- name: a@b\n  context: {cluster: b, user: a}\n`)
    const yaml = await connected({ kubeconfig: 'yaml' })
    expect([yaml.namespace, tokenOf(yaml)]).toEqual(['default', token])
    expect(concealed).toContain(token)

    writeFileSync(join(folder, 'token'), 'first\n')
    write('file', { user: { tokenFile: 'token', token: 'not this' } })
    const byFile = await connected({ kubeconfig: 'file' })
    expect(tokenOf(byFile)).toBe('first')
    writeFileSync(join(folder, 'token'), 'renewed\n')
    expect(tokenOf(byFile)).toBe('renewed')

    writeFileSync(join(folder, 'ca'), 'AUTHORITY')
    write('certificate', { user: { 'client-certificate-data': base64('CERTIFICATE'), 'client-key-data': base64('KEY') }, cluster: { 'certificate-authority': 'ca', 'tls-server-name': 'kubernetes' } })
    const { tls } = await connected({ kubeconfig: 'certificate' })
    expect({ ...tls, key: tls.key?.reveal() }).toEqual({ ca: 'AUTHORITY', cert: 'CERTIFICATE', key: 'KEY', servername: 'kubernetes' })
    expect(concealed).toContain('KEY')
    expect(JSON.stringify(tls)).not.toContain('KEY')
  })

  it('with a login command is asked what to show, with the variables that are named and no others', async () => {
    const script = `test -z "$SECRET_OF_OURS" && case $KUBERNETES_EXEC_INFO in *'"server":"https://one.example'*) ;; *) exit 3;; esac; echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'$PROFILE-$ROLE-$1'"}}'`
    write('exec', { user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script, 'sh', 'word'], env: [{ name: 'ROLE', value: 'admin' }], provideClusterInfo: true } } })
    process.env['SECRET_OF_OURS'] = 'x'
    expect(tokenOf(await connected({ kubeconfig: 'exec', env: { PROFILE: '${env:PROFILE}' } }))).toBe('atlas-admin-word')
    delete process.env['SECRET_OF_OURS']
    expect(concealed).toContain('atlas-admin-word')
  })

  it.each([
    ['that is not there', {}, 'REFERENCE_UNRESOLVED', 'missing'],
    ['without the context', { context: 'another', kubeconfig: 'there' }, 'REFERENCE_UNRESOLVED', 'there'],
    ['that goes through a proxy', { cluster: { 'proxy-url': 'http://proxy' } }, 'MANIFEST_INVALID', 'there'],
    ['that logs in by an auth-provider', { user: { 'auth-provider': { name: 'gcp' } } }, 'MANIFEST_INVALID', 'there'],
    ['that logs in with a password', { user: { username: 'a' } }, 'MANIFEST_INVALID', 'there'],
    ['whose login command fails', { user: { exec: { command: 'false' } } }, 'COMMAND_FAILED', 'there'],
    ['whose login command is not there', { user: { exec: { command: './no-such-command' } } }, 'COMMAND_MISSING', 'there'],
    ['whose login command says something else', { user: { exec: { command: 'echo', args: ['hello'] } } }, 'RESPONSE_UNFIT', 'there'],
    ['whose login command wants a terminal', { user: { exec: { command: 'echo', interactiveMode: 'Always' } } }, 'MANIFEST_INVALID', 'there'],
    ['whose certificate is not there', { user: { 'client-certificate': 'gone.crt' } }, 'REFERENCE_UNRESOLVED', 'there'],
  ])('%s is refused with the reason', async (_, { context, ...parts }: { readonly context?: string; readonly user?: object; readonly cluster?: object }, code, file) => {
    write('there', parts)
    const access = { kubeconfig: file, ...(context === undefined ? {} : { context }) }
    expect(await accessCluster(access, host, callWithin(10_000), where)).toMatchObject({ is: 'refused', code, about: expect.any(String) })
  })
})
