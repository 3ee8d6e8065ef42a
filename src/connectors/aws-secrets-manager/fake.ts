import { ALNUM, generate } from '../../kit/generate.ts'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** One version of a secret, as the service keeps it. */
interface FakeVersion {
  text: string
  labels: Set<string>
}

/** One secret, with the rotation function that changes the password of its JSON. */
export interface FakeSecret {
  readonly versions: Map<string, FakeVersion>
  /** Whether there is a rotation function. */
  rotates: boolean
  /** How often the secret is described until the function is through; `Infinity`: it fails, and AWSPENDING stays. */
  patience: number
  /** By turns `NAME` and `NAME_clone`, as the alternating strategy of AWS has them. */
  alternating: boolean
  deleted: boolean
}

export interface FakeSecretsManager extends FaultyHttp {
  readonly secrets: Map<string, FakeSecret>
  /** Makes a secret with this text; the id of its version. */
  make(name: string, text: string): string
  /** Names of the operations that were asked. */
  readonly asked: string[]
  /** What happens just before an operation with this name is carried out: somebody else is faster. Once. */
  readonly meanwhile: Map<string, () => void>
}

interface Asked {
  readonly SecretId?: string
  readonly VersionId?: string
  readonly ClientRequestToken?: string
  readonly SecretString?: string
  readonly VersionStages?: readonly string[]
  readonly VersionStage?: string
  readonly RemoveFromVersionId?: string
  readonly MoveToVersionId?: string
}

/**
 * An AWS Secrets Manager in this process, as far as the connector asks it. Labels move as its API reference says; the errors are its
 * own. Signatures are not looked at: nothing of the connector depends on them.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
export async function startFakeSecretsManager(): Promise<FakeSecretsManager> {
  const secrets = new Map<string, FakeSecret>()
  const asked: string[] = []
  const meanwhile = new Map<string, () => void>()
  const front = await startFaultyHttp({
    isEffect,
    answer: (request) => {
      asked.push(operationOf(request))
      meanwhile.get(operationOf(request))?.()
      meanwhile.delete(operationOf(request))
      const body = JSON.parse(request.body.toString()) as Asked
      const secret = secrets.get(body.SecretId ?? '')
      return secret === undefined || (secret.deleted && operationOf(request) !== 'DescribeSecret')
        ? failure('ResourceNotFoundException')
        : act(secret, operationOf(request), body)
    },
  })
  return {
    ...front, secrets, asked, meanwhile,
    make(name, text) {
      const id = generate(ALNUM, 36)
      secrets.set(name, { versions: new Map([[id, { text, labels: new Set(['AWSCURRENT']) }]]), rotates: true, patience: 2, alternating: false, deleted: false })
      return id
    },
  }
}

export function operationOf({ headers }: Pick<HttpAsked, 'headers'>): string {
  return String(headers['x-amz-target']).replace('secretsmanager.', '')
}

/** What a write hangs on, and the rotation that is asked for. */
export function isEffect(request: HttpAsked): boolean {
  const operation = operationOf(request)
  return operation === 'RotateSecret' || (operation === 'UpdateSecretVersionStage' && request.body.includes('AWSCURRENT'))
}

function act(secret: FakeSecret, operation: string, asked: Asked): HttpReply {
  const { versions } = secret
  const [current] = [...versions].find(([, { labels }]) => labels.has('AWSCURRENT')) ?? ['']
  const token = asked.ClientRequestToken ?? ''
  switch (operation) {
    case 'DescribeSecret':
      goOn(secret, current)
      return success({
        RotationEnabled: secret.rotates, ...(secret.rotates ? { RotationRules: { AutomaticallyAfterDays: 90 }, LastRotatedDate: 1_767_225_600 } : {}),
        ...(secret.deleted ? { DeletedDate: 1_767_225_600 } : {}),
        VersionIdsToStages: Object.fromEntries([...versions].flatMap(([id, { labels }]) => (labels.size === 0 ? [] : [[id, [...labels]]]))),
      })
    case 'GetSecretValue': {
      const id = asked.VersionId ?? current
      const version = versions.get(id)
      return version === undefined ? failure('ResourceNotFoundException') : success({ VersionId: id, SecretString: version.text, VersionStages: [...version.labels] })
    }
    case 'PutSecretValue': {
      const there = versions.get(token)
      if (there !== undefined) return there.text === asked.SecretString ? success({ VersionId: token }) : failure('ResourceExistsException')
      if (token.length < 32 || token.length > 64) return failure('InvalidParameterException')
      for (const { labels } of versions.values()) labels.delete('AWSPENDING')
      versions.set(token, { text: asked.SecretString ?? '', labels: new Set(asked.VersionStages) })
      return success({ VersionId: token })
    }
    case 'UpdateSecretVersionStage': {
      const { VersionStage: label = '', RemoveFromVersionId: from = '', MoveToVersionId: to } = asked
      if (versions.get(from)?.labels.has(label) !== true) return failure('InvalidParameterException')
      if (to !== undefined && versions.get(to) === undefined) return failure('ResourceNotFoundException')
      moveLabel(secret, label, from, to)
      return success({})
    }
    case 'RotateSecret': {
      if (!secret.rotates) return failure('InvalidRequestException')
      if (versions.has(token)) return success({ VersionId: token })
      const pending = [...versions].find(([, { labels }]) => labels.has('AWSPENDING'))
      if (pending !== undefined && pending[0] !== current) return failure('InvalidRequestException')
      versions.set(token, { text: rotated(versions.get(current)?.text ?? '{}', secret.alternating), labels: new Set(['AWSPENDING']) })
      return success({ VersionId: token })
    }
    default:
      return failure('InvalidAction')
  }
}

/** Lets the rotation function go one step on. */
function goOn(secret: FakeSecret, current: string): void {
  const [pending] = [...secret.versions].find(([id, { labels }]) => labels.has('AWSPENDING') && id !== current && !id.startsWith('keyturn-left')) ?? []
  if (pending === undefined) return
  secret.patience -= 1
  if (secret.patience > 0) return
  moveLabel(secret, 'AWSCURRENT', current, pending)
  moveLabel(secret, 'AWSPENDING', pending, undefined)
}

function moveLabel({ versions }: FakeSecret, label: string, from: string, to: string | undefined): void {
  versions.get(from)?.labels.delete(label)
  if (to !== undefined) versions.get(to)?.labels.add(label)
  if (label !== 'AWSCURRENT') return
  // Where AWSCURRENT was, AWSPREVIOUS comes by itself.
  for (const { labels } of versions.values()) labels.delete('AWSPREVIOUS')
  versions.get(from)?.labels.add('AWSPREVIOUS')
}

/** What a rotation function makes of a JSON value. */
export function rotated(text: string, alternating: boolean): string {
  const value = JSON.parse(text) as Readonly<Record<string, unknown>>
  const user = String(value['username'])
  const next = user.endsWith('_clone') ? user.slice(0, -'_clone'.length) : `${user}_clone`
  return JSON.stringify({ ...value, password: generate(ALNUM, 32), ...(alternating ? { username: next } : {}) })
}

function success(body: object): HttpReply {
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) }
}

function failure(type: string): HttpReply {
  return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify({ __type: type, Message: 'no' }) }
}
