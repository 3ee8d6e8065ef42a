import { execFileSync } from 'node:child_process'
import { constants, createDecipheriv, createPrivateKey, privateDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** What a cluster with Flux and the controller follows. */
export interface Followed {
  /** A bare repository. */
  readonly repository: string
  readonly branch: string
  readonly file: string
  readonly namespace: string
  readonly name: string
  /** The controller's certificate and key, as PEM. */
  readonly certificate: string
  readonly key: string
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
}

interface Sealed {
  metadata: { namespace: string; name: string; generation: number }
  spec: { encryptedData: Readonly<Record<string, string>> }
  status?: { observedGeneration: number; conditions: readonly Condition[] }
}

/**
 * What Flux and the controller make of a branch, pretended: a source that fetches the tip, a Kustomization that applies what can be read,
 * a controller that unseals all keys of a SealedSecret or none. Names of conditions, reasons, revisions and messages are those of
 * source-controller 1.7.3, kustomize-controller 1.9.5 and sealed-secrets 0.30.0, seen on the real ones.
 */
export class PretendedCluster {
  /** What does not go on by itself for now. */
  readonly held = new Set<'source' | 'kustomization' | 'controller'>()
  /** Rights that are missing: `patch gitrepositories`. */
  readonly denied = new Set<string>()
  /** How often Flux was asked to fetch at once. */
  asked = 0
  secret: Readonly<Record<string, string>> | undefined
  readonly suspended = new Set<'source' | 'kustomization'>()
  readonly #followed: Followed
  #fetched = ''
  #applied = ''
  #attempted = ''
  #broken: string | undefined
  #sealed: Sealed | undefined

  constructor(followed: Followed) {
    this.#followed = followed
    this.#goOn()
  }

  /** Takes a request of the API, the controller's two among them. */
  answer(method: string, path: string, body: string): { readonly status: number; readonly body: string } {
    this.#goOn()
    const { namespace, name, certificate } = this.#followed
    const json = (value: unknown, status = 200): { status: number; body: string } => ({ status, body: JSON.stringify(value) })
    const found = (value: unknown): { status: number; body: string } => (value === undefined ? json({ kind: 'Status', reason: 'NotFound', message: 'not found' }, 404) : json(value))
    if (path === '/v1/cert.pem') return { status: 200, body: certificate }
    if (path === '/v1/verify') return { status: this.#opened(JSON.parse(body) as Sealed) instanceof Map ? 200 : 409, body: '' }
    if (path.endsWith('/selfsubjectaccessreviews')) {
      const { spec } = JSON.parse(body) as { readonly spec: { readonly resourceAttributes: { readonly verb: string; readonly resource: string } } }
      const { verb, resource } = spec.resourceAttributes
      return json({ status: { allowed: !this.denied.has(`${verb} ${resource}`) } }, 201)
    }
    if (path === `/api/v1/namespaces/${namespace}/secrets/${name}`) return found(this.secret === undefined ? undefined : { data: this.secret })
    if (path === `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/${name}`) return found(this.#sealed)
    if (path.includes('/gitrepositories/')) {
      if (method === 'PATCH') this.asked += 1
      return json(this.#source())
    }
    return path.includes('/kustomizations/') ? json(this.#kustomization()) : found(undefined)
  }

  #source(): object {
    return {
      metadata: { generation: 1 }, spec: { url: 'http://git', ref: { branch: this.#followed.branch }, suspend: this.suspended.has('source') },
      status: { observedGeneration: 1, artifact: { revision: this.#revision(this.#fetched) }, conditions: [ready('True', 'Succeeded', 'stored artifact')] },
    }
  }

  #kustomization(): object {
    const condition = this.#broken === undefined ? ready('True', 'ReconciliationSucceeded', 'Applied revision') : ready('False', 'BuildFailed', this.#broken)
    return {
      metadata: { generation: 1 },
      spec: { path: './', sourceRef: { kind: 'GitRepository', name: 'clusters' }, suspend: this.suspended.has('kustomization') },
      status: { observedGeneration: 1, lastAppliedRevision: this.#revision(this.#applied), lastAttemptedRevision: this.#revision(this.#attempted), conditions: [condition] },
    }
  }

  #revision(commit: string): string {
    return `${this.#followed.branch}@sha1:${commit}`
  }

  #goOn(): void {
    const { repository, branch } = this.#followed
    const stopped = (part: 'source' | 'kustomization'): boolean => this.held.has(part) || this.suspended.has(part)
    if (!stopped('source')) this.#fetched = readFileSync(join(repository, 'refs/heads', branch), 'utf8').trim()
    if (!stopped('kustomization') && this.#attempted !== this.#fetched) this.#apply()
    if (!this.held.has('controller')) this.#unseal()
  }

  #apply(): void {
    const { repository, file, namespace, name } = this.#followed
    this.#attempted = this.#fetched
    const listed = execFileSync('git', ['-C', repository, 'ls-tree', '-r', '--name-only', this.#fetched], { encoding: 'utf8' }).trim().split('\n')
    let ours: Pick<Sealed, 'spec'> | undefined
    for (const path of listed.filter((each) => each.endsWith('.yaml'))) {
      const documents = [parseAllDocuments(execFileSync('git', ['-C', repository, 'show', `${this.#fetched}:${path}`], { encoding: 'utf8' }))].flat()
      // All is built before anything is applied.
      if (documents.some(({ errors }) => errors.length > 0)) {
        this.#broken = `failed to decode Kubernetes YAML from ${path}: error converting YAML to JSON: yaml: line 3: mapping values are not allowed in this context`
        return
      }
      if (path === file) ours = documents.find((each) => each.getIn(['metadata', 'name']) === name)?.toJS() as Pick<Sealed, 'spec'> | undefined
    }
    if (ours !== undefined) {
      const generation = this.#sealed?.metadata.generation ?? 0
      const same = JSON.stringify(this.#sealed?.spec) === JSON.stringify(ours.spec)
      this.#sealed = { ...this.#sealed, metadata: { namespace, name, generation: same ? generation : generation + 1 }, spec: ours.spec }
    }
    this.#broken = undefined
    this.#applied = this.#fetched
  }

  #unseal(): void {
    const sealed = this.#sealed
    if (sealed === undefined || sealed.status?.observedGeneration === sealed.metadata.generation) return
    const opened = this.#opened(sealed)
    const synced = opened instanceof Map
    if (synced) this.secret = Object.fromEntries([...opened].map(([key, value]) => [key, value.toString('base64')]))
    const condition = synced ? { status: 'True', message: '' } as const : { status: 'False', message: `no key could decrypt secret (${opened})` } as const
    sealed.status = { observedGeneration: sealed.metadata.generation, conditions: [{ type: 'Synced', reason: '', ...condition }] }
  }

  /** Its values, or the name of the first that cannot be opened. */
  #opened({ metadata: { namespace, name }, spec }: Sealed): ReadonlyMap<string, Buffer> | string {
    const values = new Map<string, Buffer>()
    for (const [key, text] of Object.entries(spec.encryptedData)) {
      try {
        values.set(key, unsealed(text, this.#followed.key, `${namespace}/${name}`))
      } catch {
        return key
      }
    }
    return values
  }
}

function ready(status: 'True' | 'False', reason: string, message: string): Condition {
  return { type: 'Ready', status, reason, message, observedGeneration: 1 }
}

/** HybridDecrypt of pkg/crypto/crypto.go. Throws when the label or the key is another one. */
export function unsealed(text: string, key: string, label: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const end = 2 + bytes.readUInt16BE(0)
  const session = privateDecrypt({ key: createPrivateKey(key), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: Buffer.from(label) }, bytes.subarray(2, end))
  const decipher = createDecipheriv('aes-256-gcm', session, Buffer.alloc(12)).setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(end, -16)), decipher.final()])
}

